import { DeletePlacementGroupCommand, DescribePlacementGroupsCommand, EC2Client } from "@aws-sdk/client-ec2";
import { toAlarmName } from "../launch/policy-name.ts";
import { RELEASE_TAGS } from "../launch/release-tags.ts";
import { toGroupName } from "../launch/to-group-name.ts";
import { escapeFilterValue } from "../lookups/escape-filter-value.ts";
import { toTagMap } from "../lookups/tag-map.ts";
import type { ReleaseDeps, ReleaseWork } from "../release-deps.ts";
import { toServiceOrder } from "../service-order.ts";
import { toReleaseError } from "../to-release-error.ts";
import { deleteAlarms } from "./delete-alarms.ts";
import { deleteTemplate } from "./delete-launch.ts";
import { loadTemplates } from "./load-templates.ts";
import { unlessForbidden } from "./unless-forbidden.ts";

/**
 * Deletes what a failed release has made and no group leads to: templates whose group was never created, alarms whose policy was
 * not linked, and the placement group, unless servers are still in it. Throws `CLEAN_UP_FAILED`.
 */
export async function sweepOwn(deps: ReleaseDeps, work: ReleaseWork): Promise<void> {
  const { release_id } = work.release;
  try {
    await unlessForbidden(deps, "launch templates", async () => {
      for (const { name } of await loadTemplates(deps, work.release)) await deleteTemplate(deps, name);
    });
    await unlessForbidden(deps, "alarms", () => deleteAlarms(deps, toAlarmNames(deps, work)));
    if (toServiceOrder(work.release).some(({ placement_group_name }) => placement_group_name !== undefined)) {
      await unlessForbidden(deps, "placement groups", () => sweepPlacementGroups(deps, release_id));
    }
  } catch (error) {
    throw toReleaseError("CLEAN_UP_FAILED", error, `Not all that release "${release_id}" left was deleted.`);
  }
}

function toAlarmNames({ constants }: ReleaseDeps, { release, state }: ReleaseWork): readonly string[] {
  return toServiceOrder(release).flatMap((service) => {
    const group = toGroupName(release, service, { state, constants });
    const alarmed = service.autoscaling.policies.filter(({ type }) => type !== "target_tracking");
    return alarmed.map((policy) => toAlarmName(group, policy));
  });
}

async function sweepPlacementGroups(deps: ReleaseDeps, releaseId: string): Promise<void> {
  const { target, signal } = deps;
  const client = target.client(EC2Client);
  const Filters = [{ Name: `tag:${RELEASE_TAGS.releaseId}`, Values: [escapeFilterValue(releaseId)] }];
  const found = await client.send(new DescribePlacementGroupsCommand({ Filters }), { abortSignal: signal });
  for (const { GroupName = "", Tags } of found.PlacementGroups ?? []) {
    if (toTagMap(Tags)[RELEASE_TAGS.releaseId] === releaseId) await deletePlacementGroup(deps, GroupName);
  }
}

/** API reference, "DeletePlacementGroup": all instances in it must have ended before; these end for a minute or two. */
export async function deletePlacementGroup(
  { target, signal, report }: Pick<ReleaseDeps, "target" | "signal" | "report">,
  GroupName: string,
): Promise<void> {
  try {
    const command = new DeletePlacementGroupCommand({ GroupName });
    await target.client(EC2Client).send(command, { abortSignal: signal });
  } catch (error) {
    if (!(error instanceof Error) || !/^InvalidPlacementGroup\.(InUse|Unknown)/.test(error.name)) throw error;
    if (error.name.endsWith("InUse")) report(`placement group ${GroupName} stays: servers are still in it`);
  }
}
