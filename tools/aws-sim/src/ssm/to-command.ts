import { commandStanding } from "./command-status.ts";
import { type SimCommand, toStatus } from "./sim-command.ts";

/** A command as ListCommands and SendCommand answer it. Source: API reference, "Command". */
export function toCommand(command: SimCommand, now: number): Readonly<Record<string, unknown>> {
  const { details, completed, errors, deliveryTimedOut } = commandStanding(command, now);
  const { requestedAt, deliverySeconds, executionSeconds, output } = command;
  return {
    CommandId: command.commandId,
    DocumentName: command.documentName,
    DocumentVersion: command.documentVersion,
    Comment: command.comment,
    Parameters: command.parameters,
    // User guide, "Understanding command timeout values": the total is delivery plus execution.
    ExpiresAfter: new Date(requestedAt + (deliverySeconds + executionSeconds) * 1_000),
    InstanceIds: command.instanceIds,
    Targets: command.targets,
    RequestedDateTime: new Date(requestedAt),
    Status: toStatus(details),
    StatusDetails: details,
    OutputS3BucketName: output.bucket,
    OutputS3KeyPrefix: output.prefix,
    MaxConcurrency: command.maxConcurrency,
    MaxErrors: command.maxErrors,
    TimeoutSeconds: deliverySeconds,
    TargetCount: command.invocations.length,
    CompletedCount: completed,
    ErrorCount: errors,
    DeliveryTimedOutCount: deliveryTimedOut,
    CloudWatchOutputConfig: command.logs,
  };
}
