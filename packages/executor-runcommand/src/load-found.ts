import type { RunCommandConfig } from "./definition.ts";
import type { FoundInstances } from "./plan-members.ts";
import { type KnownInstance, selectInstances } from "./select-instances.ts";
import type { FleetAws } from "./ssm/call-aws.ts";
import { loadByIds, loadSelected } from "./ssm/describe-fleet.ts";
import { loadAgents } from "./ssm/load-agents.ts";

/** The instances that a config names, and which of them are part of the run. */
export async function loadFound(aws: FleetAws, config: RunCommandConfig): Promise<FoundInstances> {
  const { select = {}, instance, instanceIds = instance === undefined ? undefined : [instance] } = config;
  if (instanceIds !== undefined) return loadFoundByIds(aws, config, instanceIds);
  const instances = await withAgents(aws, config, await loadSelected(aws, select));
  return { instances, ...selectInstances(instances, select) };
}

/** Exactly these, as far as they are still there and may be touched. */
export async function loadFoundByIds(
  aws: FleetAws,
  config: RunCommandConfig,
  ids: readonly string[],
): Promise<FoundInstances> {
  const known = [...(await loadByIds(aws, ids)), ...(await loadNodes(aws, ids))];
  const present = new Set(known.map(({ instanceId }) => instanceId));
  const gone = ids.filter((id) => !present.has(id)).map((instanceId) => ({ instanceId, code: "INSTANCE_GONE" }));
  const instances = await withAgents(aws, config, known);
  const tagged = selectInstances(
    instances.filter((instance) => !isTrusted(config, instance)),
    config.select,
  );
  const { selected, skipped } = selectTrusted(instances.filter((instance) => isTrusted(config, instance)));
  return {
    instances,
    selected: [...tagged.selected, ...selected],
    skipped: [...tagged.skipped, ...skipped, ...gone],
  };
}

/** SSM's targets have chosen them before, or they are no instances of EC2, whose tags are elsewhere. */
function isTrusted({ targets }: RunCommandConfig, { instanceId }: KnownInstance): boolean {
  return targets !== undefined || instanceId.startsWith("mi-");
}

function selectTrusted(instances: readonly KnownInstance[]): Pick<FoundInstances, "selected" | "skipped"> {
  const isRunning = ({ state }: KnownInstance) => state === "running";
  return {
    selected: instances.filter(isRunning).map(({ instanceId }) => instanceId),
    skipped: instances
      .filter((instance) => !isRunning(instance))
      .map(({ instanceId }) => ({ instanceId, code: "STATE_NOT_RUNNING" })),
  };
}

/** Managed nodes, which only SSM knows. */
async function loadNodes(aws: FleetAws, ids: readonly string[]): Promise<readonly KnownInstance[]> {
  const agents = await loadAgents(
    aws,
    ids.filter((id) => id.startsWith("mi-")),
  );
  return [...agents].map(([instanceId, { platformType = "" }]) => ({
    instanceId,
    state: "running",
    platform: platformType,
  }));
}

async function withAgents(
  aws: FleetAws,
  { select }: RunCommandConfig,
  instances: readonly KnownInstance[],
): Promise<readonly KnownInstance[]> {
  if (select?.requireOnline !== true) return instances;
  const agents = await loadAgents(
    aws,
    instances.map(({ instanceId }) => instanceId),
  );
  return instances.map((instance) => ({ ...instance, ssm: agents.get(instance.instanceId) ?? null }));
}
