import type { ReleaseConstants } from "../release-constants.ts";
import { hashUserData } from "../user-data/hash-user-data.ts";
import type { RawRelease } from "./raw-release.ts";
import type { DetachStrategy, Release } from "./release.ts";
import { toHooks } from "./to-hooks.ts";
import { toService, toTextMap, toTexts } from "./to-service.ts";

type Generation = ReleaseConstants["generation"];
/** What defaults depend on. */
type ReleaseDefaults = Pick<ReleaseConstants, "generation" | "volumeType">;

/** Seconds, where the document says none. */
export const DEFAULT_TIMEOUT_SECONDS = 600;

/** Seconds for which load balancers may take to let go, where the document does not say: as long as the predecessor tries. */
const DEFAULT_DRAIN_SECONDS = 600;

/** Seconds for which groups of the first generation do not look at health. */
const SEED_GRACE_SECONDS = 300;

/** The release that a document asks for, its defaults filled in. The document breaks no rule. */
export function toRelease(raw: RawRelease, { generation, volumeType }: ReleaseDefaults): Release {
  const { aws_account_id = "", aws_region = "", timeout = DEFAULT_TIMEOUT_SECONDS } = raw;
  const places = { account: aws_account_id, region: aws_region };
  const gracePeriod = generation === "odin" ? undefined : SEED_GRACE_SECONDS;
  const services = Object.entries(raw.services ?? {}).map(
    ([name, service]) =>
      [name, toService(name, service ?? {}, { ...places, timeout, gracePeriod, volumeType })] as const,
  );
  return {
    aws_account_id,
    aws_region,
    release_id: raw.release_id ?? "",
    project_name: raw.project_name ?? "",
    config_name: raw.config_name ?? "",
    bucket: raw.bucket ?? "",
    created_at: raw.created_at ?? "",
    timeout,
    metadata: toTextMap(raw.metadata),
    safe_release: raw.safe_release ?? false,
    subnets: toTexts(raw.subnets),
    ami: raw.ami ?? "",
    ...toUserData(raw),
    lifecycle: toHooks(raw.lifecycle ?? {}, places),
    services: Object.fromEntries(services),
    detach_strategy: (raw.detach_strategy ?? "Detach") as DetachStrategy,
    wait_for_healthy: toPollSeconds(timeout, generation),
    ...toDecisions(raw),
  };
}

/** Seconds between two looks at the health: the fewer events of an execution, the longer it may take. */
export function toPollSeconds(timeout: number, generation: Generation): number {
  if (generation === "step-asg-deployer" || timeout < 1800) return 15;
  return timeout < 7200 ? 60 : 120;
}

function toUserData({ user_data, user_data_sha256 = "" }: RawRelease): Pick<Release, "user_data_sha256" | "user_data"> {
  return user_data === undefined ? { user_data_sha256 } : { user_data, user_data_sha256: hashUserData(user_data) };
}

type Decisions =
  | "alarms"
  | "count_terminations"
  | "drain_hooks"
  | "drain_timeout"
  | "drain_timeout_action"
  | "keep_scaled_capacity"
  | "rollback_window"
  | "stable_polls";

// Without these keys a document is judged as the predecessor judges it.
function toDecisions(raw: RawRelease): Pick<Release, Decisions> {
  return {
    stable_polls: raw.stable_polls ?? 1,
    keep_scaled_capacity: raw.keep_scaled_capacity ?? false,
    count_terminations: raw.count_terminations === "cumulative" ? "cumulative" : "snapshot",
    drain_timeout: raw.drain_timeout ?? DEFAULT_DRAIN_SECONDS,
    drain_timeout_action: raw.drain_timeout_action === "fail" ? "fail" : "delete",
    drain_hooks: raw.drain_hooks ?? false,
    rollback_window: raw.rollback_window ?? 0,
    alarms: toTexts(raw.alarms),
  };
}
