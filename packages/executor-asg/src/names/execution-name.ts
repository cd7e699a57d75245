import type { Release } from "../document/release.ts";
import { toStamp } from "./stamp.ts";

type Project = Pick<Release, "project_name" | "config_name">;

/**
 * How many characters project and config may have together: the name of an execution has at most 80 (Step Functions API,
 * StartExecution), of which the rest of ours takes 37.
 */
export const MAX_PROJECT_AND_CONFIG = 43;

/**
 * What the names of all executions of a project-config begin with. Other project-configs' can begin with it, too: compare what
 * comes after it, or the input of the execution.
 */
export function toExecutionPrefix({ project_name, config_name }: Project): string {
  return `deploy-${project_name.replaceAll("/", "-")}-${config_name}-`;
}

/** The name of a new execution. */
export function toExecutionName(project: Project, at: number, letters: string): string {
  return `${toExecutionPrefix(project)}${toStamp(at)}-${letters}`;
}

/** Why there can be no execution for a project-config; `undefined`: there can. */
export function findProjectFault({ project_name, config_name }: Project): string | undefined {
  const length = project_name.length + config_name.length;
  if (length <= MAX_PROJECT_AND_CONFIG) return undefined;
  return `project_name and config_name have ${length} characters together, and ${MAX_PROJECT_AND_CONFIG} are the limit: shorten one.`;
}
