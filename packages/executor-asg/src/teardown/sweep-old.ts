import { AutoScalingClient, DescribeLaunchConfigurationsCommand } from "@aws-sdk/client-auto-scaling";
import { chunk } from "../chunk.ts";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { toTemplateName } from "../launch/template-name.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { toReleaseError } from "../to-release-error.ts";
import { deleteLaunchConfiguration, deleteTemplate } from "./delete-launch.ts";
import { loadTemplates, type TaggedTemplate } from "./load-templates.ts";
import { unlessForbidden } from "./unless-forbidden.ts";

/** API reference, "DescribeLaunchConfigurations", LaunchConfigurationNames: no bound is told; MaxRecords is at most 100. */
const MAX_NAMES = 50;

/** What of the project-config still stands, and what stood before. */
export interface SweepOldInput {
  /** Names of the groups that stay. */
  readonly living: readonly string[];
  /** Names of the groups that were there before the release, as far as they are known. */
  readonly gone: readonly string[];
}

/**
 * Deletes what earlier releases have left without a group: templates, by their tags, and launch configurations, by the names of the
 * groups that were there. So a clean-up that died between a group and its template ends well when it is repeated, and left-overs of
 * older failures go too. Throws `CLEAN_UP_FAILED`.
 */
export async function sweepOld(deps: ReleaseDeps, work: ReleaseWork, input: SweepOldInput): Promise<void> {
  try {
    await unlessForbidden(deps, "launch templates of earlier releases", () => sweepTemplates(deps, work, input));
    await unlessForbidden(deps, "launch configurations of earlier releases", () => sweepConfigurations(deps, input));
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, "Not all that earlier releases left was deleted.");
  }
}

async function sweepTemplates(deps: ReleaseDeps, work: ReleaseWork, { living }: SweepOldInput): Promise<void> {
  const { project_name, config_name } = work.release;
  const names = new Set(living.map(toTemplateName));
  for (const template of await loadTemplates(deps, { project_name, config_name })) {
    if (!names.has(template.name) && isOlder(template, work)) await deleteTemplate(deps, template.name);
  }
}

async function sweepConfigurations(deps: ReleaseDeps, { living, gone }: SweepOldInput): Promise<void> {
  const names = gone.filter((name) => !living.includes(name));
  for (const name of await findLaunchConfigurations(deps, names)) await deleteLaunchConfiguration(deps, name);
}

/** Not this release's, and not that of one which has taken the locks since. */
function isOlder({ tags }: TaggedTemplate, { release, state }: ReleaseWork): boolean {
  const { [RELEASE_TAGS.releaseId]: releaseId, [RELEASE_TAGS.fencingToken]: token } = tags;
  if (releaseId === undefined || releaseId === release.release_id) return false;
  return state.fencing_token === undefined || token === undefined || Number(token) < state.fencing_token;
}

async function findLaunchConfigurations(
  { target, signal }: Pick<ReleaseDeps, "target" | "signal">,
  names: readonly string[],
): Promise<readonly string[]> {
  const client = target.client(AutoScalingClient);
  const found: string[] = [];
  for (const LaunchConfigurationNames of chunk([...new Set(names)].toSorted(), MAX_NAMES)) {
    const { LaunchConfigurations = [] } = await client.send(
      new DescribeLaunchConfigurationsCommand({ LaunchConfigurationNames }),
      { abortSignal: signal },
    );
    found.push(...LaunchConfigurations.flatMap(({ LaunchConfigurationName }) => LaunchConfigurationName ?? []));
  }
  return found;
}
