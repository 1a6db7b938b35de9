// A telephone that a test works: what it is to do comes by a WebSocket, what happens and what it hears goes back.
"use strict";

const wanted = new URLSearchParams(location.search);
const test = new WebSocket(`ws://127.0.0.1:${wanted.get("test")}`);
test.binaryType = "arraybuffer";
const tell = (what, more = {}) => test.send(JSON.stringify({ what, at_ms: Date.now(), ...more }));

let sip;
let media; // RTCPeerConnection
let dialog;
let invitation; // INVITE that is not answered yet
let tag;

// Without the browser's own work on it, so that a tone stays what it is.
const microphone = () =>
  navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });

async function connection() {
  media = new RTCPeerConnection();
  const stream = await microphone();
  stream.getTracks().forEach((track) => media.addTrack(track, stream));
  media.ontrack = ({ track }) => listen(track);
  media.onconnectionstatechange = () => tell("media", { text: media.connectionState });
}

// Descriptions go out whole: every candidate is in them.
async function described(description) {
  await media.setLocalDescription(description);
  while (media.iceGatheringState !== "complete") {
    await new Promise((changed) => media.addEventListener("icegatheringstatechange", changed, { once: true }));
  }
  return media.localDescription.sdp;
}

// What is heard, as it comes: the time of the first sample in ms, its rate, and 16-bit samples.
async function listen(track) {
  document.getElementById("speaker").srcObject = new MediaStream([track]);
  const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
  for (;;) {
    const { value: audio, done } = await reader.read();
    if (done) return;
    const samples = new Float32Array(audio.numberOfFrames);
    audio.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    const chunk = new ArrayBuffer(12 + 2 * samples.length);
    const view = new DataView(chunk);
    view.setFloat64(0, Date.now() - (1000 * samples.length) / audio.sampleRate, true);
    view.setUint32(8, audio.sampleRate, true);
    samples.forEach((sample, at) => view.setInt16(12 + 2 * at, Math.max(-1, Math.min(1, sample)) * 32767, true));
    audio.close();
    if (test.readyState === WebSocket.OPEN) test.send(chunk);
  }
}

function over(what) {
  media?.close();
  media = dialog = invitation = undefined;
  tell(what);
}

const does = {
  async call({ to }) {
    await connection();
    const own = { from: `${sip.address};tag=${token()}`, callId: token(), sequence: 1 };
    const target = `sip:${to}@${sip.domain}`;
    const invite = sip.request("INVITE", target, { ...own, to: `<${target}>`, body: await described(await media.createOffer()) });
    tell("calling", { call: own.callId });
    const response = await sip.ask(invite, ({ status }) => tell("rings", { text: String(status) }));
    dialog = new Dialog(sip, { ...own, to: response.get("To"), target: uriOf(response.get("Contact")) || target });
    dialog.acknowledge(invite);
    if (response.status !== 200) return over("refused");
    tell("answered", { call: own.callId });
    await media.setRemoteDescription({ type: "answer", sdp: response.body });
  },

  async answer() {
    await connection();
    const invite = invitation;
    await media.setRemoteDescription({ type: "offer", sdp: invite.body });
    const body = await described(await media.createAnswer());
    dialog = new Dialog(sip, {
      from: `${invite.get("To")};tag=${tag}`,
      to: invite.get("From"),
      callId: invite.get("Call-ID"),
      target: uriOf(invite.get("Contact")),
      sequence: 0,
    });
    invitation = undefined;
    sip.respond(invite, 200, "OK", { tag, body });
    tell("answered", { call: dialog.callId });
  },

  async hold({ on }) {
    media.getTransceivers()[0].direction = on ? "sendonly" : "sendrecv";
    const invite = dialog.next("INVITE", await described(await media.createOffer()));
    tell(on ? "holds" : "resumes");
    const response = await sip.ask(invite);
    dialog.acknowledge(invite);
    await media.setRemoteDescription({ type: "answer", sdp: response.body });
    tell(on ? "held" : "resumed");
  },

  async press({ key }) {
    media.getSenders()[0].dtmf.insertDTMF(key, 100);
    tell("pressed");
  },

  async hang_up() {
    await sip.ask(dialog.next("BYE"));
    over("hung_up");
  },
};

const hears = {
  INVITE: async (request) => {
    if (dialog) {
      await media.setRemoteDescription({ type: "offer", sdp: request.body });
      return sip.respond(request, 200, "OK", { body: await described(await media.createAnswer()) });
    }
    invitation = request;
    tag = token();
    sip.respond(request, 180, "Ringing", { tag });
    tell("rung", { call: request.get("Call-ID") });
  },
  CANCEL: async (request) => {
    sip.respond(request, 200, "OK");
    sip.respond(invitation, 487, "Request Terminated", { tag });
    over("ended");
  },
  BYE: async (request) => {
    sip.respond(request, 200, "OK");
    over("ended");
  },
};

async function failing(work) {
  try {
    await work();
  } catch (fault) {
    tell("failed", { text: String(fault?.stack ?? fault) });
  }
}

const heard = (request) => {
  const hear = hears[request.method] ?? (async () => sip.respond(request, 200, "OK"));
  failing(() => hear(request));
};

test.onmessage = ({ data }) => {
  const task = JSON.parse(data);
  failing(() => does[task.do](task));
};
test.onopen = () =>
  failing(async () => {
    sip = new Sip(wanted.get("name"), wanted.get("domain"), wanted.get("sip"), heard);
    await sip.register();
    tell("registered");
  });
