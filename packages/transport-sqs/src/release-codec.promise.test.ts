import type { QueuedEvent } from "@stackyard/core/engine";
import { describe, expect, it } from "vitest";
import { decodeEvent, encodeEvent } from "./message-codec.ts";
import { anIncoming } from "./testing/builders.ts";

const KEY = "key";
const event: QueuedEvent = {
  id: "stack:1",
  stackId: "prod",
  origin: "stack",
  receivedAt: 1_000,
  message: { event: "RELEASED", stackId: "prod", metadata: { api: "1.42.0" } },
  sender: {
    kind: "stack",
    id: "shop-1.42.0",
    name: "shop-1.42.0",
    machine: "shop-release",
    owner: "00u1",
    groups: [],
    askers: [{ kind: "person", id: "00u1", name: "ada" }],
  },
  release: {
    task: "production",
    incarnation: "r1",
    createdAt: 5,
    expect: 7,
    expiresAt: 121_000,
    restores: { api: null },
  },
};

function receive(sent: ReturnType<typeof encodeEvent>, key: string | undefined): QueuedEvent {
  return decodeEvent({ ...anIncoming(sent.body), attributes: sent.attributes }, 2_000, key);
}

describe("an event of a release", () => {
  it("arrives as it was sent, with its version, its end and who requested the release", () => {
    expect(receive(encodeEvent(event, KEY), KEY)).toEqual(event);
  });

  it.each(["machine", "owner", "askers"] as const)(
    "is without a sender when its %s was changed on the way",
    (field) => {
      const sent = encodeEvent(event, KEY);
      const note = JSON.parse(sent.attributes["stackyard"] ?? "{}");
      const forged = { ...note, sender: { ...note.sender, [field]: field === "askers" ? [] : "other" } };

      const received = receive({ ...sent, attributes: { stackyard: JSON.stringify(forged) } }, KEY);

      expect([received.origin, received.sender, received.release]).toEqual(["stack", undefined, undefined]);
    },
  );

  it("is without a sender when its version was changed on the way", () => {
    const sent = encodeEvent(event, KEY);
    const note = JSON.parse(sent.attributes["stackyard"] ?? "{}");
    const forged = { ...note, release: { ...note.release, expect: 8 } };

    const received = receive({ ...sent, attributes: { stackyard: JSON.stringify(forged) } }, KEY);

    expect([received.origin, received.sender, received.release]).toEqual(["stack", undefined, undefined]);
  });
});
