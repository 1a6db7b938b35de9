// SIP over a WebSocket (RFC 7118): messages, and dialogs of one call at a time.
"use strict";

const token = () => Math.random().toString(36).slice(2, 12);

class Message {
  constructor(first, headers, body = "") {
    Object.assign(this, { first, headers, body });
  }

  static parse(text) {
    const [head, body = ""] = text.split(/\r\n\r\n([\s\S]*)/);
    const [first, ...lines] = head.split("\r\n");
    const headers = lines.map((line) => [line.slice(0, line.indexOf(":")).trim(), line.slice(line.indexOf(":") + 1).trim()]);
    return new Message(first, headers, body);
  }

  all(name) {
    return this.headers.filter(([own]) => own.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  get(name) {
    return this.all(name)[0] ?? "";
  }

  get status() {
    return this.first.startsWith("SIP/2.0 ") ? Number(this.first.split(" ")[1]) : 0;
  }

  get method() {
    return this.status ? this.get("CSeq").split(" ")[1] : this.first.split(" ")[0];
  }

  toString() {
    const length = new TextEncoder().encode(this.body).length;
    const lines = [...this.headers, ["Content-Length", length]].map(([name, value]) => `${name}: ${value}`);
    return [this.first, ...lines, "", this.body].join("\r\n");
  }
}

class Sip {
  // `name` at `domain`, whose WebSocket listens on `port`; `heard(request)` gets what comes unasked.
  constructor(name, domain, port, heard) {
    Object.assign(this, { name, domain, heard, host: `${token()}.invalid`, waiting: new Map() });
    this.address = `<sip:${name}@${domain}>`;
    this.contact = `<sip:${name}@${this.host};transport=ws>`;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}`, "sip");
    this.socket.onmessage = ({ data }) => this.came(Message.parse(data));
    this.open = new Promise((open, failed) => Object.assign(this.socket, { onopen: open, onerror: failed }));
  }

  send(message) {
    this.socket.send(message.toString());
  }

  came(message) {
    if (message.status) {
      this.waiting.get(message.get("CSeq"))?.(message);
    } else if (message.method !== "ACK") {
      this.heard(message);
    }
  }

  request(method, target, { from, to, callId, sequence, body = "", more = [] }) {
    const headers = [
      ["Via", `SIP/2.0/WS ${this.host};branch=z9hG4bK${token()};rport`],
      ["Max-Forwards", "70"],
      ["From", from],
      ["To", to],
      ["Call-ID", callId],
      ["CSeq", `${sequence} ${method}`],
      ["Contact", this.contact],
      ["Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY"],
      ...more,
      ...(body ? [["Content-Type", "application/sdp"]] : []),
    ];
    return new Message(`${method} ${target} SIP/2.0`, headers, body);
  }

  // Its final response; each provisional one goes to `rings`.
  ask(request, rings = () => {}) {
    this.send(request);
    return new Promise((answered) => {
      this.waiting.set(request.get("CSeq"), (response) => (response.status < 200 ? rings(response) : answered(response)));
    });
  }

  respond(request, status, reason, { tag = "", body = "" } = {}) {
    const kept = request.headers.filter(([name]) => ["via", "from", "call-id", "cseq", "record-route"].includes(name.toLowerCase()));
    const to = request.get("To") + (tag && !/;tag=/.test(request.get("To")) ? `;tag=${tag}` : "");
    const more = [["To", to], ["Contact", this.contact], ...(body ? [["Content-Type", "application/sdp"]] : [])];
    this.send(new Message(`SIP/2.0 ${status} ${reason}`, [...kept, ...more], body));
  }

  async register() {
    await this.open;
    const own = { from: `${this.address};tag=${token()}`, to: this.address, callId: token(), sequence: 1 };
    const response = await this.ask(this.request("REGISTER", `sip:${this.domain}`, { ...own, more: [["Expires", "600"]] }));
    if (response.status !== 200) throw new Error(`REGISTER: ${response.first}`);
  }
}

// What both sides know of a call that stands.
class Dialog {
  constructor(sip, { from, to, callId, target, sequence }) {
    Object.assign(this, { sip, from, to, callId, target, sequence });
  }

  next(method, body = "") {
    this.sequence += 1;
    return this.sip.request(method, this.target, { ...this, body });
  }

  acknowledge(request) {
    const sequence = Number(request.get("CSeq").split(" ")[0]);
    this.sip.send(this.sip.request("ACK", this.target, { ...this, sequence }));
  }
}

const uriOf = (contact) => /<([^>]+)>/.exec(contact)?.[1] ?? contact.split(";")[0];
