import type { NewRun } from "../runs/run.ts";
import { type ProjectConfig, RELEASE_EXECUTOR } from "./release.ts";

/** Where releases are remembered that a predecessor's tools shall see too. Default: in the yard. */
export interface ReleaseMemoryPlace {
  readonly bucket: string;
  readonly lockTable?: string;
}

/** How every release and what is done about it is asked for. */
export interface ReleaseRequest {
  /** The installation whose tags and paths count: `stackyard` (default), `odin` or `step-asg-deployer`. */
  readonly preset?: string;
  readonly memory?: ReleaseMemoryPlace;
  /** The role and its account. Default: those of the document, with the runner's own role. */
  readonly target?: NewRun["target"];
  /** Who asks; stands in tags and history. */
  readonly actor?: string;
}

/** A release that shall be deployed. */
export interface NewRelease extends ReleaseRequest {
  /** The document, whole: with account, region, `release_id` and `created_at`. */
  readonly document: Readonly<Record<string, unknown>>;
  /** What `user_data_sha256` of the document is the hash of. */
  readonly userData?: string;
  /** True: wait for the release that holds the lock. Default: `LOCK_EXISTS`. */
  readonly queue?: boolean;
  /** The source that is deployed, such as a commit; stands in tags and history. */
  readonly revision?: string;
}

/** The run of a release. A repeat with the same `release_id` finds the same run. */
export function toDeployRun({ document, userData, queue, revision, ...request }: NewRelease): NewRun {
  const { aws_account_id: account, aws_region: region, project_name: project, config_name: config } = document;
  const id = [account, region, project, config, document["release_id"]].map((part) => String(part ?? "")).join("/");
  return {
    executor: RELEASE_EXECUTOR,
    config: {
      op: "deploy",
      release: document,
      ...(userData === undefined ? {} : { userData }),
      ...(queue === true ? { queue } : {}),
      ...(revision === undefined ? {} : { revision }),
      ...toShared(request),
    },
    ...(request.target && { target: request.target }),
    key: toKey(id),
  };
}

/** What is done about the releases of a project-config. */
export interface ReleaseCare extends ReleaseRequest {
  readonly at: ProjectConfig;
  readonly reason?: string;
}

/** The run of what is done about releases. */
export function toCareRun(
  op: "rollback" | "repair" | "lock" | "unlock",
  { at: { account, region, project, config }, reason, ...request }: ReleaseCare,
  more: Readonly<Record<string, unknown>> = {},
): NewRun {
  return {
    executor: RELEASE_EXECUTOR,
    config: {
      op,
      at: { account, region, project, config },
      ...(reason === undefined ? {} : { reason }),
      ...toShared(request),
      ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
    },
    ...(request.target && { target: request.target }),
  };
}

function toShared({ preset, memory, actor }: ReleaseRequest) {
  return {
    ...(preset === undefined ? {} : { preset }),
    ...(memory === undefined ? {} : { memory }),
    ...(actor === undefined ? {} : { actor }),
  };
}

const MAX_KEY = 255;

/** The key of a run has an end; what is longer keeps its end, which has the release's own id. */
function toKey(id: string): string {
  const key = `release:${id}`;
  return key.length <= MAX_KEY ? key : `release:…${key.slice(-(MAX_KEY - "release:…".length))}`;
}
