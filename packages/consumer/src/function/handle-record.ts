import { decideMessage, type MessageDecision } from "../decide-message.ts";
import { copyArtifact, refreshOrReject } from "./copy-artifact.ts";
import { findStoredDigest } from "./find-stored-object.ts";
import type { KnownEntry } from "./known-artifacts.ts";
import { giveUp, type RecordContext, type RecordEnd, sendReceipt, toFields } from "./record-context.ts";
import { retireArtifact } from "./retire-artifact.ts";
import { findTold, type PeekedRecord, peekRecord, toTorn } from "./torn-message.ts";

/**
 * Serves one delivery: object, then what is known of it, then the receipt, then the end, so that whoever dies in between is
 * followed by a delivery that does the rest. Throws what must come again.
 */
export async function handleRecord(context: RecordContext): Promise<RecordEnd> {
  const { deps, record } = context;
  const peeked = peekRecord(record, deps.config.topicArn);
  const known = peeked.key === undefined ? undefined : await deps.known.load(peeked.key);
  const decision = await decide(context, known);
  deps.logger.debug("A message was decided on.", toFields(context, { decision: decision.kind, key: peeked.key }));
  return act(context, decision, { known, peeked });
}

/** A receipt must not say that something is there which somebody has deleted: then it is copied again. */
async function decide({ deps, record }: RecordContext, known: KnownEntry | undefined): Promise<MessageDecision> {
  const decideWith = (object: KnownEntry["object"] | undefined) =>
    decideMessage(record, deps.config, deps.clock.now(), () => object);
  const decision = decideWith(known?.object);
  if (decision.kind !== "skip" || decision.code !== "ALREADY_PRESENT") return decision;
  const digest = await findStoredDigest(deps, decision.message.ArtifactKey);
  return digest === known?.object.sourceSha256 ? decision : decideWith(undefined);
}

interface Found {
  readonly known: KnownEntry | undefined;
  readonly peeked: PeekedRecord;
}

function act(context: RecordContext, decision: MessageDecision, { known, peeked }: Found): Promise<RecordEnd> {
  switch (decision.kind) {
    case "copy":
      return copyArtifact(context, decision.message, known);
    case "refresh":
      return refreshOrReject(context, decision.message);
    case "retire":
      return retireArtifact(context, decision.message, known);
    case "reject":
      return giveUp(context, "rejected", decision, findTold(peeked.body));
    default:
      return skip(context, decision, known);
  }
}

async function skip(
  context: RecordContext,
  decision: Extract<MessageDecision, { readonly kind: "skip" }>,
  known: KnownEntry | undefined,
): Promise<"done"> {
  if (decision.code === "PROBE") {
    await sendReceipt(context, undefined, { status: "present", code: decision.code }, toTorn(decision.probe));
  } else if (decision.code === "ALREADY_PRESENT") {
    const { storedSha256 = null, versionId = null } = known?.object ?? {};
    const outcome = { status: "present", code: decision.code, verified: true, storedSha256, versionId } as const;
    await sendReceipt(context, decision.message, outcome);
  }
  return "done";
}
