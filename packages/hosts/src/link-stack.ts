import { defined } from "@stackyard/core";
import {
  endPreviewLink,
  linkPreview,
  type PreviewCommands,
  PreviewLink,
  type PreviewLinksDeps,
} from "@stackyard/core/services";
import { Errors } from "typebox/value";
import type { AppliedPull } from "./apply-mapping.ts";
import type { PullRecord } from "./decide-pull.ts";
import type { EventTemplate, MappedHook, Mapping } from "./mapping.ts";

/** An event of a pull request that is about to be published. */
export interface LinkInput {
  readonly host: string;
  readonly hook: MappedHook;
  readonly stackId: string;
  /** The document that the event follows from. */
  readonly mapping: Mapping;
}

/** Links the stack of an event to its pull request. Returns the fault when that is not possible. */
export async function linkStack(
  deps: PreviewLinksDeps,
  { host, hook, stackId, mapping }: LinkInput,
): Promise<string | undefined> {
  const { repository, pull } = hook;
  if (repository === undefined || pull === undefined) return undefined;
  const { id, fullName } = repository;
  const { number, url, head, author: owner } = pull;
  const title = pull.title === "" ? undefined : pull.title;
  const place = { stackId, host, repository: { id, fullName }, number, url };
  const vouched = { by: "hook", machine: mapping.machine } as const;
  const link = { ...place, ...defined({ title }), head, owner, commands: toCommands(mapping, hook), ...vouched };
  const [fault] = Errors(PreviewLink, link);
  if (fault !== undefined) return `${fault.instancePath}: ${fault.message}`;
  await linkPreview(deps, link);
  return undefined;
}

/** No command has it as its duration, which is a whole number. */
const SOME_SECONDS = 86_399.75;

/** Returns the events for commands by the rules of a document. Leaves out rules that need more than a duration. */
function toCommands({ rules, pull }: Mapping, hook: MappedHook): PreviewCommands {
  const find = (word: string, otherwise?: EventTemplate) => {
    const [rule, ...others] = rules.filter(({ on }) => on === `command.${word}`);
    const template = others.length === 0 ? (rule ?? otherwise) : undefined;
    return template && toCommand(template, word, hook);
  };
  const [extend, sleep, wake, down] = [find("extend"), find("sleep"), find("wake"), find("down", pull.closed)];
  return defined({ extend, sleep, wake, down });
}

function toCommand(template: EventTemplate, word: string, { repository, pull }: MappedHook) {
  const args = { words: [], duration: SOME_SECONDS };
  // Without a sender, who is not known yet.
  const made = template.metadataOf({ kind: "command", action: word, args, ...defined({ repository, pull }) });
  if (made.kind === "error") return undefined;
  const entries = Object.entries(made.value);
  const others = entries.filter(([, value]) => value !== SOME_SECONDS);
  const isDerived = others.some(([, value]) => String(value).includes(String(SOME_SECONDS)));
  const duration = entries.find(([, value]) => value === SOME_SECONDS)?.[0];
  if (isDerived || entries.length - others.length > 1) return undefined;
  return { event: template.event, metadata: Object.fromEntries(others), ...defined({ duration }) };
}

/** Lets the link of a stack expire when its pull request has ended. */
export async function endLink(deps: PreviewLinksDeps, before: PullRecord, applied: AppliedPull): Promise<void> {
  if (before.phase !== "open" || before.target === undefined) return;
  if ("record" in applied && applied.record.phase === "none") await endPreviewLink(deps, before.target.stackId);
}
