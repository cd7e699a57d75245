import type { Place } from "../definition.ts";
import type { ReleaseKey } from "../release-deps.ts";

/** A project-config as documents, locks and groups are found by. */
export function toProjectConfig({ account, region, project, config }: Place): Omit<ReleaseKey, "release_id"> & {
  readonly aws_region: string;
} {
  return { aws_account_id: account, aws_region: region, project_name: project, config_name: config };
}
