import type { SendCommandCommandInput } from "@aws-sdk/client-ssm";
import type { RunCommandConfig } from "./definition.ts";
import { toLengths } from "./definition.ts";
import type { ResolvedProfile } from "./document/resolve-profile.ts";
import type { RunState, SendingChunk } from "./fleet-run.ts";
import { toComment } from "./ssm/find-commands.ts";

/** What a command is made of. */
export interface SendRequestInput {
  readonly config: RunCommandConfig;
  readonly state: Pick<RunState, "runId">;
  readonly command: ResolvedProfile;
  readonly chunk: SendingChunk;
  /** Instead of the chunk's instances. */
  readonly targets?: RunCommandConfig["targets"];
}

/** SendCommand's request for one chunk. */
export function toSendRequest({ config, state, command, chunk, targets }: SendRequestInput): SendCommandCommandInput {
  const { documentName, documentHash, documentVersion, parameters } = command;
  return {
    DocumentName: documentName,
    ...(documentVersion === undefined ? {} : { DocumentVersion: documentVersion }),
    ...(documentHash === undefined ? {} : { DocumentHash: documentHash, DocumentHashType: "Sha256" }),
    Parameters: Object.fromEntries(Object.entries(parameters).map(([key, values]) => [key, [...values]])),
    ...(targets === undefined ? { InstanceIds: [...chunk.ids] } : { Targets: toTargets(targets) }),
    Comment: toComment(state.runId, chunk.chunk),
    MaxConcurrency: chunk.maxConcurrency,
    MaxErrors: chunk.maxErrors,
    TimeoutSeconds: Math.ceil(toLengths(config).deliveryTimeout / 1_000),
    ...toOutput(config, state),
  };
}

function toTargets(targets: NonNullable<RunCommandConfig["targets"]>): SendCommandCommandInput["Targets"] {
  return targets.map(({ key, values }) => ({ Key: key, Values: [...values] }));
}

function toOutput({ output }: RunCommandConfig, { runId }: Pick<RunState, "runId">): Partial<SendCommandCommandInput> {
  const { bucket, prefix = "runs", logGroup } = output ?? {};
  return {
    ...(bucket === undefined
      ? {}
      : { OutputS3BucketName: bucket, OutputS3KeyPrefix: `${prefix.replace(/\/+$/, "")}/${runId}/` }),
    ...(logGroup === undefined
      ? {}
      : { CloudWatchOutputConfig: { CloudWatchOutputEnabled: true, CloudWatchLogGroupName: logGroup } }),
  };
}
