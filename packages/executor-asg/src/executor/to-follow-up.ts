import type { Succeeded } from "@stackyard/core";
import type { AsgConfig } from "../definition.ts";
import type { AsgCall } from "./asg-call.ts";
import type { ReleaseProgress } from "./release-progress.ts";

/** A run that deletes the groups that are kept for the rollback window, when it is over. */
export function toFollowUp({ config }: AsgCall, { release, state }: ReleaseProgress): Pick<Succeeded, "followUp"> {
  if (release.rollback_window === 0) return {};
  const { preset, constants, memory, actor, revision } = config;
  const given = { preset, constants, memory, actor, revision };
  const next: AsgConfig = {
    op: "retire",
    at: {
      account: release.aws_account_id,
      region: release.aws_region,
      project: release.project_name,
      config: release.config_name,
    },
    // Its document is in the memory, with all that was filled in.
    releaseId: release.release_id,
    uuid: state.uuid,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
  return { followUp: { inMs: release.rollback_window * 1_000, config: next } };
}
