import { parseJson } from "@stackyard/core";
import type { Sender } from "@stackyard/core/access";
import { GroupName, matchesText, toGroups } from "@stackyard/core/yard";
import type { FindSender } from "@stackyard/transport-sqs";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids, and the names of
// sessions. A `*` before the colon could match the roles of everybody.
const SENDER_ID = "^[A-Za-z0-9]{1,128}(:([\\w+=,.@-]{1,64}|[\\w+=,.@-]{0,63}\\*))?$";

const QueueSenders = Type.Array(
  Type.Object(
    {
      /** As SQS reports it; a trailing `*` matches any end of the session's name. */
      id: Type.String({ pattern: SENDER_ID }),
      groups: Type.Array(GroupName, { maxItems: 50 }),
    },
    { additionalProperties: false },
  ),
  { maxItems: 1_000 },
);
const validator = Compile(QueueSenders);

/** Senders of events by their `SenderId`, and the groups that each one is in. */
export type QueueSenders = Static<typeof QueueSenders>;

const FORM = 'a JSON list such as [{"id":"AROAEXAMPLE:*","groups":["release-managers"]}]';

const ID_FORM =
  "must be the id of a user such as AIDAEXAMPLE, or that of a role with its session such as AROAEXAMPLE:ada or AROAEXAMPLE:*";

/** Returns the faults of the text of `QUEUE_SENDERS`, and where they are; it shows no values. */
export function findQueueSenderFaults(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const value = parseJson(text);
  if (value === undefined) return [`QUEUE_SENDERS is not JSON. Set it to ${FORM}.`];
  if (!Array.isArray(value)) return [`QUEUE_SENDERS is not a list. Set it to ${FORM}.`];
  // Each unknown key has a separate error.
  const errors = validator.Errors(value).filter(({ keyword }) => keyword !== "additionalProperties");
  return errors.map(({ instancePath, message, keyword }) => {
    const place = `QUEUE_SENDERS${instancePath.replaceAll("/", ".")}`;
    if (keyword === "boolean") return `${place} is not known. Remove it.`;
    return `${place} ${keyword === "pattern" && place.endsWith(".id") ? ID_FORM : message}.`;
  });
}

/** Reads the text of `QUEUE_SENDERS` after it was checked. */
export function parseQueueSenders(text = "[]"): QueueSenders {
  const value = parseJson(text);
  return validator.Check(value) ? value : [];
}

/** Returns a function that finds senders: named by their session, in the groups of all entries that match. */
export function createSenderFinder(senders: QueueSenders): FindSender {
  return (id): Sender | undefined => {
    const matching = senders.filter((sender) => matchesText(sender.id, id));
    if (matching.length === 0) return undefined;
    return { kind: "aws", id, name: toSessionName(id), groups: toGroups(matching) };
  };
}

/** Returns the session's name. A user has no session, so its id is its name. */
function toSessionName(id: string): string {
  return id.slice(id.indexOf(":") + 1) || id;
}
