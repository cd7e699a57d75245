import { isMap, parseJson } from "@stackyard/core";
import type { JsonPost, PostAnswer } from "../../post-json.ts";

/** A channel of Slack: `chat.postMessage` posts, `chat.update` edits, and a message that was deleted cannot be edited. */
export interface TeamRoom {
  /** Each text that could be read, with the instant since which it stood there. Oldest first. */
  readonly shown: readonly { readonly text: string; readonly at: number }[];
  /** While it is set, the token is refused. */
  isRevoked: boolean;
  take(post: JsonPost, now: number): PostAnswer;
  /** Deletes all messages as a person. */
  deleteAll(): void;
}

/** Opens a room without messages. */
export function aTeamRoom(): TeamRoom {
  const messages = new Set<string>();
  const shown: { text: string; at: number }[] = [];
  const toAnswer = (body: object): PostAnswer => ({ status: 200, text: JSON.stringify(body), retryAfterMs: undefined });
  const room: TeamRoom = {
    shown,
    isRevoked: false,
    take({ body }, now) {
      if (room.isRevoked) return toAnswer({ ok: false, error: "token_revoked" });
      const message = parseJson(body);
      if (!isMap(message)) return toAnswer({ ok: false, error: "invalid_arguments" });
      const ts = typeof message["ts"] === "string" ? message["ts"] : `${shown.length + 1}.0`;
      if (message["ts"] !== undefined && !messages.has(ts)) return toAnswer({ ok: false, error: "message_not_found" });
      messages.add(ts);
      shown.push({ text: String(message["text"]), at: now });
      return toAnswer({ ok: true, ts });
    },
    deleteAll: () => messages.clear(),
  };
  return room;
}
