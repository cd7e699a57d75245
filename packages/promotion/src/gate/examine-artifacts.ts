import { type ExecutorContext, formatNames } from "@stackyard/core";
import { ARTIFACT_ARRIVALS, type ArtifactArrival } from "@stackyard/core/services";
import { type Condition, closed, OPEN } from "./condition.ts";

/** Versions of build artifacts by name, and where they must have arrived. */
export interface ArtifactsInput {
  readonly artifacts: Readonly<Record<string, string>>;
  /** `ACCOUNT/REGION`. Undefined: wherever the artifact is expected. */
  readonly consumers?: readonly string[] | undefined;
}

/** The most places that a message names. */
const MOST_NAMES = 5;
const ARRIVED: ReadonlySet<string> = new Set(["stored", "present"]);

/** Examines whether build artifacts have arrived, by their receipts. Throws when the distributor cannot be asked. */
export async function examineArtifacts(
  { service }: Pick<ExecutorContext, "service">,
  { artifacts, consumers }: ArtifactsInput,
): Promise<Condition> {
  const arrivals = service(ARTIFACT_ARRIVALS);
  if (arrivals === undefined) {
    const advice = "Set STACKYARD_DISTRIBUTOR for the worker to the name or ARN of its function.";
    return closed("GATE_UNAVAILABLE", `No distributor of build artifacts is known to this worker. ${advice}`);
  }
  for (const [name, version] of Object.entries(artifacts)) {
    const arrival = await arrivals.find({ name, version });
    const missing = findMissing(arrival, consumers);
    if (missing !== undefined) return closed("ARTIFACT_MISSING", `The artifact ${name} ${version} ${missing}`);
  }
  return OPEN;
}

function findMissing(arrival: ArtifactArrival | undefined, consumers: readonly string[] | undefined) {
  if (arrival === undefined) return "was not published. Publish it.";
  const { cells, covered, refusal } = arrival;
  if (cells.length === 0 && refusal !== undefined) return `was refused: ${refusal.code}. ${refusal.reason}`;
  const arrived = new Set(cells.filter(({ status }) => ARRIVED.has(status)).map(toPlace));
  const wanted = consumers ?? cells.map(toPlace);
  const missing = wanted.filter((place) => !arrived.has(place));
  if (missing.length > 0) {
    return `has not arrived in ${formatNames(missing, MOST_NAMES)}. \`stackyard artifacts refresh\` announces it again.`;
  }
  if (consumers !== undefined || covered) return undefined;
  return "is expected by no consumer. Register one, or list consumers.";
}

function toPlace({ account, region }: ArtifactArrival["cells"][number]): string {
  return `${account}/${region}`;
}
