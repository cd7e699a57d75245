/** CodePipeline API reference, `PutJobSuccessResult`: at most 2,048 characters. */
const MAX_TOKEN = 2_048;
const RUN_ID = /^[A-Za-z0-9-]{1,64}$/;

/** What CodePipeline gives back with its next call: a reference to the run, never its state. */
export function toContinuationToken(runId: string): string {
  return JSON.stringify({ v: 1, run: runId });
}

/** The run that a token of ours names; undefined for every other text. */
export function findTokenRun(token: unknown): string | undefined {
  if (typeof token !== "string" || token.length > MAX_TOKEN) return undefined;
  const value = findJsonObject(token);
  if (value === undefined || Object.keys(value).length !== 2 || value["v"] !== 1) return undefined;
  const run = value["run"];
  return typeof run === "string" && RUN_ID.test(run) ? run : undefined;
}

function findJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
