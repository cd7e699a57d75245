import { type PipelineResult, release } from "./pipeline.ts";
import { breakWebserver, readRepository } from "./repository.ts";
import { createWorld, type World } from "./world.ts";

/** Output of the story while it runs. */
export type Tell = (at: number, line: string) => void;

/** The results of the story. */
export interface StoryEnd {
  readonly world: World;
  readonly releases: readonly PipelineResult[];
  /** Display names, by instance. */
  readonly names: ReadonlyMap<string, string>;
}

/** As the groups of the template tag their instances. */
const WEB = { has_ssm_agent: "true", Ansible_Roles: "webserver,appserver" };
const DATABASE = { has_ssm_agent: "true", Ansible_Roles: "dbserver" };

/** Plays two groups, three commits, one of them broken, and instances that start meanwhile. */
export async function play(tell: Tell): Promise<StoryEnd> {
  const world = createWorld();
  const say = (line: string) => tell(world.yard.clock.now(), line);
  const files = readRepository();
  const names = new Map([
    [world.launch({ tags: WEB, isOld: true }), "web-1"],
    [world.launch({ tags: WEB, isOld: true }), "web-2"],
    [world.launch({ tags: DATABASE, isOld: true }), "db-1"],
    [world.launch({ tags: { Name: "other-team" }, isOld: true }), "other"],
  ]);

  say("Two webservers and a database run; so does an instance without the tag.");
  const first = await release(world, "c1", files);
  say(toReleaseText("c1", first));

  say("A third webserver starts. Its agent will register in 70 seconds, and its event comes twice.");
  const third = world.launch({ tags: WEB, agentAfterMs: 70_000 });
  names.set(third, "web-3");
  names.set(world.launch({ tags: {} }), "stray");
  await world.pass(180_000);
  say(
    `web-3 ${countCommands(world, third)} command; the instance without the tag ${countCommands(world, "stray", names)}.`,
  );

  const second = await release(world, "c2", breakWebserver(files));
  say(toReleaseText("c2, which breaks the role webserver", second));

  say("A fourth webserver starts while the newest commit is broken.");
  const fourth = world.launch({ tags: WEB, agentAfterMs: 20_000 });
  names.set(fourth, "web-4");
  await world.pass(120_000);
  say(`It was configured with ${findArtifact(world, fourth)}, the last that has succeeded.`);

  const last = await release(world, "c3", files);
  say(toReleaseText("c3", last));
  return { world, names, releases: [first, second, last] };
}

/** Returns the artifact that an instance received last. */
export function findArtifact({ yard }: World, instanceId: string): string {
  const sent = yard.sim.calls.findLast(
    ({ operation, input }) => operation === "SSM.SendCommand" && isTo(input, instanceId),
  );
  const text = JSON.stringify(sent?.input["Parameters"] ?? {});
  return /GARLC\/MyApp\/(c\d)\.zip/.exec(text)?.[1] ?? "nothing";
}

function countCommands({ yard }: World, instance: string, names?: ReadonlyMap<string, string>): string {
  const instanceId = [...(names ?? [])].find(([, name]) => name === instance)?.[0] ?? instance;
  const count = yard.sim.calls.filter(
    ({ operation, input }) => operation === "SSM.SendCommand" && isTo(input, instanceId),
  ).length;
  return count === 0 ? "got none" : `got ${count}`;
}

function isTo({ InstanceIds }: Readonly<Record<string, unknown>>, instanceId: string): boolean {
  return Array.isArray(InstanceIds) && InstanceIds.includes(instanceId);
}

function toReleaseText(commit: string, { status, variables, message, calls }: PipelineResult): string {
  const asked = `CodePipeline asked ${calls} times`;
  if (status !== "Succeeded") return `Commit ${commit}: the pipeline is red; ${asked}.\n  ${message}`;
  const { Selected, Succeeded, Failed } = variables;
  return `Commit ${commit}: the pipeline is green; ${asked}. ${Succeeded} of ${Selected} instances succeeded, ${Failed} failed.`;
}
