import { randomUUID } from "node:crypto";
import { findNumber, findText, type SimCall, textOf } from "../sim-call.ts";
import { type CommandParameters, checkParameters } from "./check-parameters.ts";
import { checkSend } from "./check-send.ts";
import { openDocument, openVersion } from "./documents.ts";
import { findTargets } from "./find-targets.ts";
import type { SimAgent } from "./sim-agent.ts";
import { detailsOf, isOver, type SimCommand } from "./sim-command.ts";
import { type DocumentVersion, executionSecondsOf } from "./sim-document.ts";
import { ssmFaults as faults } from "./ssm-faults.ts";
import type { SsmState } from "./ssm-state.ts";
import { toCommand } from "./to-command.ts";

/** The user guide names an hour as the console's delivery time-out; the API's own default is the same. */
const DELIVERY_SECONDS = 3_600;

/** SendCommand: checks the request, finds the nodes, and begins the command. */
export function sendCommand(state: SsmState, call: SimCall): unknown {
  const { input, now } = call;
  checkSend(input);
  const document = openDocument(state, call, textOf(input, "DocumentName"));
  const { number, version } = openVersion(document, findText(input, "DocumentVersion"));
  checkHash(version, input);
  const parameters: CommandParameters = Object(input["Parameters"] ?? {});
  checkParameters(version, parameters);
  const bucket = findText(input, "OutputS3BucketName") ?? "";
  if (bucket !== "" && !state.s3.hasBucket(bucket)) throw faults.outputFolder("The S3 bucket doesn't exist.");
  const agents = findTargets(state, call);
  if (listOf(input["InstanceIds"]).length > 0) checkPlatforms(agents, version);
  const command: SimCommand = {
    account: call.identity.account,
    region: call.region,
    commandId: randomUUID(),
    documentName: document.name,
    documentVersion: String(number),
    parameters,
    steps: version.steps,
    comment: findText(input, "Comment") ?? "",
    requestedAt: now,
    playedUntil: now,
    instanceIds: listOf(input["InstanceIds"]).map(String),
    targets: listOf(input["Targets"]),
    deliverySeconds: findNumber(input, "TimeoutSeconds") ?? DELIVERY_SECONDS,
    executionSeconds: executionSecondsOf(version, parameters),
    maxConcurrency: findText(input, "MaxConcurrency") ?? "50",
    maxErrors: findText(input, "MaxErrors") ?? "0",
    output: { bucket, prefix: findText(input, "OutputS3KeyPrefix") ?? "" },
    logs: input["CloudWatchOutputConfig"],
    ...toInvocations(agents, countPending(state, call), state.limits.pendingInvocations),
  };
  state.commands.set(command.commandId, command);
  return { Command: toCommand(command, now) };
}

/** What SSM answers to a wrong hash is not documented; the document that was meant does not exist, so it is this. */
function checkHash({ hash }: DocumentVersion, input: SimCall["input"]): void {
  const wanted = findText(input, "DocumentHash");
  if (wanted !== undefined && wanted !== hash) throw faults.documentMissing("The document has another hash.");
}

function checkPlatforms(agents: readonly SimAgent[], { platformTypes }: DocumentVersion): void {
  const wrong = agents.filter(({ platformType }) => !platformTypes.includes(platformType));
  if (wrong.length > 0) {
    const ids = wrong.map(({ instanceId }) => instanceId).join(", ");
    throw faults.platform(`The document does not support the platform of ${ids}.`);
  }
}

/** "Command", StatusDetails: over the account's limit of pending invocations the command never runs anywhere. */
function toInvocations(
  agents: readonly SimAgent[],
  pending: number,
  limit: number,
): Pick<SimCommand, "invocations" | "refusal"> {
  if (agents.length === 0) return { invocations: [], refusal: "NoInstancesInTag" };
  if (pending + agents.length > limit) return { invocations: [], refusal: "RateExceeded" };
  return { invocations: agents.map(({ instanceId, platformType }) => ({ instanceId, platformType })) };
}

function countPending(state: SsmState, call: SimCall): number {
  if (state.limits.pendingInvocations === Number.POSITIVE_INFINITY) return 0;
  const invocations = state.commandsOf(call).flatMap((each) => each.invocations);
  return invocations.filter((each) => !isOver(detailsOf(each, call.now))).length;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
