import type { Command } from "./command.ts";
import { backup, restore } from "./commands/backup.ts";
import { createCompletion } from "./commands/completion.ts";
import { dev } from "./commands/dev.ts";
import { createDoctor } from "./commands/doctor.ts";
import { eventsLs, eventsRedrive } from "./commands/events.ts";
import { graph } from "./commands/graph.ts";
import { init } from "./commands/init.ts";
import { stacksLogs } from "./commands/logs.ts";
import { machinesLs, machinesShow } from "./commands/machines.ts";
import { machinesUpgrade } from "./commands/machines-upgrade.ts";
import { migrate } from "./commands/migrate.ts";
import { stacksCancel, stacksRemove, stacksRetry, stacksSettle } from "./commands/operations.ts";
import { ps } from "./commands/ps.ts";
import { send } from "./commands/send.ts";
import { server } from "./commands/server.ts";
import { simulate } from "./commands/simulate.ts";
import { stacksHistory, stacksLs, stacksShow, stacksWatch } from "./commands/stacks.ts";
import { taskRun } from "./commands/task-run.ts";
import { stacksUpgrade } from "./commands/upgrade.ts";
import { validate } from "./commands/validate.ts";
import { version } from "./commands/version.ts";
import { worker } from "./commands/worker.ts";

const OWN: readonly Command[] = [
  init,
  validate,
  graph,
  simulate,
  dev,
  server,
  worker,
  send,
  stacksLs,
  stacksShow,
  stacksWatch,
  stacksHistory,
  stacksLogs,
  stacksRetry,
  stacksCancel,
  stacksSettle,
  stacksRemove,
  stacksUpgrade,
  eventsLs,
  eventsRedrive,
  machinesLs,
  machinesShow,
  machinesUpgrade,
  taskRun,
  ps,
  migrate,
  backup,
  restore,
  createDoctor(() => COMMANDS.map(({ name }) => name)),
];

/** The commands, in the order in which help shows them. Plugins add theirs at the end. */
export const COMMANDS: readonly Command[] = [...OWN, createCompletion(OWN), version];

/** What stands before commands of two words. */
export const GROUPS: Readonly<Record<string, string>> = {
  stacks: "Look at stacks, and operate them.",
  events: "Look at events that were set aside, and send them again.",
  machines: "Look at the machines of a server, and rewrite machine files.",
  task: "Try a task by hand.",
  // Of plugins of ours.
  apps: "Publish and deploy what runs on AWS.",
  artifacts: "Publish build artifacts for every account and region, and see where they stand.",
  consumers: "See who gets artifacts, and how everything stands there.",
  fleet: "Run commands on fleets of EC2 instances, and look at what became of them.",
  ecs: "Run tasks on Amazon ECS, and read what they log.",
  release: "Release services on Auto Scaling groups, and follow, halt or roll back a release.",
};
