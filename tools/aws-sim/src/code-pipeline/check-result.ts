import { jsonFaults } from "../json-faults.ts";
import type { ServiceFaults, SimCall } from "../sim-call.ts";
import { SimFault } from "../sim-fault.ts";

type Input = SimCall["input"];

/** Errors, all of status 400. Source: CodePipeline API reference, the errors of each action. */
export const codePipelineFaults = {
  ...jsonFaults,
  validation: (message: string) => new SimFault("ValidationException", 400, message),
  jobMissing: (id: string) => new SimFault("JobNotFoundException", 400, `No job found with ID ${id}`),
  jobOver: (id: string, state: string) =>
    new SimFault("InvalidJobStateException", 400, `Job ${id} is in the state ${state} and cannot be changed.`),
  pipelineMissing: (name: string) =>
    new SimFault("PipelineNotFoundException", 400, `The pipeline with name ${name} does not exist.`),
  variables: () =>
    new SimFault("OutputVariablesSizeExceededException", 400, "The variables are larger than the pipeline allows."),
} satisfies ServiceFaults & Record<string, (...texts: [string, string]) => SimFault>;

/** API reference: "PutJobSuccessResult", "ExecutionDetails", "FailureDetails". */
const JOB_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const MAX_TOKEN = 2_048;
const MAX_SUMMARY = 2_048;
const MAX_EXTERNAL_ID = 1_500;
const MAX_MESSAGE = 5_000;
const VARIABLE = /^[A-Za-z0-9@\-_]+$/;
/** "Quotas in AWS CodePipeline": total size of output variables. */
const MAX_VARIABLES_BYTES = 122_880;
const TYPES = [
  ...["JobFailed", "ConfigurationError", "PermissionError"],
  ...["RevisionOutOfSync", "RevisionUnavailable", "SystemUnavailable"],
];

/** Refuses a PutJobSuccessResult whose texts break the limits. */
export function checkSuccess(input: Input): void {
  checkJobId(input);
  checkText("continuationToken", input["continuationToken"], 1, MAX_TOKEN);
  const { summary, externalExecutionId, percentComplete = 0 } = Object(input["executionDetails"]);
  checkText("executionDetails.summary", summary, 0, MAX_SUMMARY);
  checkText("executionDetails.externalExecutionId", externalExecutionId, 1, MAX_EXTERNAL_ID);
  if (!(percentComplete >= 0 && percentComplete <= 100)) {
    throw codePipelineFaults.validation(`percentComplete must lie between 0 and 100: ${percentComplete}`);
  }
  checkVariables(input);
}

/** Refuses a PutJobFailureResult whose texts break the limits. */
export function checkFailure(input: Input): void {
  checkJobId(input);
  const { type, message = "", externalExecutionId } = Object(input["failureDetails"]);
  if (!TYPES.includes(type))
    throw codePipelineFaults.validation(`failureDetails.type is not one of ${TYPES.join(", ")}`);
  checkText("failureDetails.message", message, 1, MAX_MESSAGE);
  checkText("failureDetails.externalExecutionId", externalExecutionId, 1, MAX_EXTERNAL_ID);
}

function checkJobId(input: Input): void {
  const id = String(input["jobId"]);
  if (!JOB_ID.test(id)) throw codePipelineFaults.validation(`Value '${id}' at 'jobId' is no job id.`);
}

function checkText(field: string, value: unknown, min: number, max: number): void {
  if (value === undefined) return;
  const { length } = String(value);
  if (typeof value === "string" && length >= min && length <= max) return;
  throw codePipelineFaults.validation(
    `1 validation error detected: Value at '${field}' failed to satisfy constraint: Member must have length between ${min} and ${max}`,
  );
}

/** "outputVariables can be included only when there is no continuation token on the request." */
function checkVariables(input: Input): void {
  const variables: Readonly<Record<string, unknown>> = Object(input["outputVariables"]);
  const names = Object.keys(variables);
  if (names.length > 0 && input["continuationToken"] !== undefined) {
    throw codePipelineFaults.validation("Output variables cannot be sent together with a continuation token.");
  }
  const wrong = names.find((name) => !VARIABLE.test(name));
  if (wrong !== undefined)
    throw codePipelineFaults.validation(`outputVariables has a name that is not allowed: ${wrong}`);
  if (Buffer.byteLength(JSON.stringify(variables)) > MAX_VARIABLES_BYTES) throw codePipelineFaults.variables();
}
