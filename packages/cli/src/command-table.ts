import type { CliCommand } from "./command.ts";
import { findNamed } from "./read-command-line.ts";
import { version } from "./version.ts";

/** The commands by name, in the order in which help lists them; plugins append theirs. A run loads only the command it needs. */
const LOADERS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  init: async () => (await import("./init.ts")).init,
  validate: async () => (await import("./commands/machines.ts")).validate,
  graph: async () => (await import("./commands/machines.ts")).graph,
  edit: async () => (await import("./commands/edit.ts")).edit,
  simulate: async () => (await import("./commands/simulate.ts")).simulate,
  dev: async () => (await import("./commands/dev.ts")).dev,
  server: async () => (await import("./commands/server.ts")).server,
  worker: async () => (await import("./commands/server.ts")).worker,
  send: async () => (await import("./commands/send.ts")).send,
  "stacks ls": async () => (await import("./commands/stack-lists.ts")).stacksLs,
  "stacks counts": async () => (await import("./commands/stack-lists.ts")).stacksCounts,
  causes: async () => (await import("./commands/causes.ts")).causes,
  "stacks show": async () => (await import("./commands/stacks.ts")).stacksShow,
  "stacks watch": async () => (await import("./commands/stacks.ts")).stacksWatch,
  "stacks history": async () => (await import("./commands/stacks.ts")).stacksHistory,
  "stacks logs": async () => (await import("./commands/logs.ts")).stacksLogs,
  "stacks retry": async () => (await import("./commands/operations.ts")).stacksRetry,
  "stacks cancel": async () => (await import("./commands/operations.ts")).stacksCancel,
  "stacks acknowledge": async () => (await import("./commands/operations.ts")).stacksAcknowledge,
  "stacks settle": async () => (await import("./commands/operations.ts")).stacksSettle,
  "stacks remove": async () => (await import("./commands/operations.ts")).stacksRemove,
  "stacks upgrade": async () => (await import("./commands/upgrade.ts")).stacksUpgrade,
  "attempts ls": async () => (await import("./commands/stack-lists.ts")).attemptsLs,
  "stacks bundle": async () => (await import("./commands/bundle.ts")).stacksBundle,
  "stacks reveal": async () => (await import("./commands/reveal.ts")).stacksReveal,
  "stacks snapshot": async () => (await import("./commands/bundle.ts")).stacksSnapshot,
  "bulk run": async () => (await import("./commands/bulk.ts")).bulkRun,
  "bulk show": async () => (await import("./commands/bulk.ts")).bulkShow,
  "bulk ls": async () => (await import("./commands/bulk.ts")).bulkLs,
  "bulk cancel": async () => (await import("./commands/bulk.ts")).bulkCancel,
  board: async () => (await import("./commands/board.ts")).board,
  "calendars check": async () => (await import("./commands/calendars.ts")).calendarsCheck,
  "deploys plan": async () => (await import("./commands/deploys-plan.ts")).deploysPlan,
  "deploys show": async () => (await import("./commands/deploys.ts")).deploysShow,
  "freezes start": async () => (await import("./commands/freezes.ts")).freezesStart,
  "freezes ls": async () => (await import("./commands/freezes.ts")).freezesLs,
  "freezes except": async () => (await import("./commands/freezes.ts")).freezesExcept,
  "freezes end": async () => (await import("./commands/freezes.ts")).freezesEnd,
  "previews ls": async () => (await import("./commands/previews.ts")).previewsLs,
  "previews show": async () => (await import("./commands/previews.ts")).previewsShow,
  "previews extend": async () => (await import("./commands/previews.ts")).previewsExtend,
  "previews sleep": async () => (await import("./commands/previews.ts")).previewsSleep,
  "previews wake": async () => (await import("./commands/previews.ts")).previewsWake,
  "previews down": async () => (await import("./commands/previews.ts")).previewsDown,
  "previews orphans": async () => (await import("./commands/orphans.ts")).previewsOrphans,
  "previews reclaim": async () => (await import("./commands/orphans.ts")).previewsReclaim,
  "states ls": async () => (await import("./commands/states.ts")).statesLs,
  "states restore": async () => (await import("./commands/states.ts")).statesRestore,
  "states unlock": async () => (await import("./commands/states.ts")).statesUnlock,
  "states unsaved": async () => (await import("./commands/states.ts")).statesUnsaved,
  "states push": async () => (await import("./commands/states.ts")).statesPush,
  "states dismiss": async () => (await import("./commands/states.ts")).statesDismiss,
  "approvals ls": async () => (await import("./commands/approvals.ts")).approvalsLs,
  "approvals commits": async () => (await import("./commands/approvals.ts")).approvalsCommits,
  "approvals approve": async () => (await import("./commands/approvals.ts")).approvalsApprove,
  "approvals reject": async () => (await import("./commands/approvals.ts")).approvalsReject,
  "approvals withdraw": async () => (await import("./commands/approvals.ts")).approvalsWithdraw,
  adopt: async () => (await import("./commands/adopt.ts")).adopt,
  "events ls": async () => (await import("./commands/events.ts")).eventsLs,
  "events withdraw": async () => (await import("./commands/events.ts")).eventsWithdraw,
  "events dismiss": async () => (await import("./commands/events.ts")).eventsDismiss,
  "events redrive": async () => (await import("./commands/events.ts")).eventsRedrive,
  "machines ls": async () => (await import("./commands/machines.ts")).machinesLs,
  "machines show": async () => (await import("./commands/machines.ts")).machinesShow,
  "machines revisions": async () => (await import("./commands/machines.ts")).machinesRevisions,
  "machines revision": async () => (await import("./commands/machines.ts")).machinesRevision,
  "machines upgrade": async () => (await import("./commands/upgrade.ts")).machinesUpgrade,
  login: async () => (await import("./commands/sessions.ts")).login,
  logout: async () => (await import("./commands/sessions.ts")).logout,
  console: async () => (await import("./commands/console.ts")).consoleCommand,
  audit: async () => (await import("./commands/audit.ts")).audit,
  "audit export": async () => (await import("./commands/audit.ts")).auditExport,
  "audit verify": async () => (await import("./commands/audit.ts")).auditVerify,
  mcp: async () => (await import("./commands/mcp.ts")).mcp,
  whoami: async () => (await import("./commands/tokens.ts")).whoami,
  "sessions ls": async () => (await import("./commands/sessions.ts")).sessionsLs,
  "sessions revoke": async () => (await import("./commands/sessions.ts")).sessionsRevoke,
  "tokens create": async () => (await import("./commands/tokens.ts")).tokensCreate,
  "tokens ls": async () => (await import("./commands/tokens.ts")).tokensLs,
  "tokens rotate": async () => (await import("./commands/tokens.ts")).tokensRotate,
  "tokens revoke": async () => (await import("./commands/tokens.ts")).tokensRevoke,
  "task run": async () => (await import("./commands/task-run.ts")).taskRun,
  ps: async () => (await import("./commands/ps.ts")).ps,
  migrate: async () => (await import("./commands/backup.ts")).migrate,
  reseal: async () => (await import("./commands/reseal.ts")).reseal,
  backup: async () => (await import("./commands/backup.ts")).backup,
  restore: async () => (await import("./commands/backup.ts")).restore,
  doctor: async () => (await import("./commands/doctor.ts")).createDoctor(COMMAND_NAMES),
  completion: async () => (await import("./completion.ts")).createCompletion(loadAllCommands),
  version: async () => version,
};

/** The names of the commands, in the order in which help lists them. */
export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

/** Loads every command, in the order in which help lists them. */
export function loadAllCommands(): Promise<readonly CliCommand[]> {
  return load(COMMAND_NAMES);
}

/** Loads the command that the first words of a command line name, with those under it. Returns none if they name none. */
export function loadNamedCommands(first?: string, second?: string): Promise<readonly CliCommand[]> {
  return load(
    findNamed(
      COMMAND_NAMES,
      [first, second].filter((word) => word !== undefined),
    ),
  );
}

function load(names: readonly string[]): Promise<readonly CliCommand[]> {
  return Promise.all(names.map((name) => LOADERS[name]?.()).filter((command) => command !== undefined));
}
