import { defined } from "@stackyard/core";
import {
  endPreviewLink,
  linkPreview,
  type PreviewCommands,
  PreviewLink,
  previewLinks,
  type RecordsDeps,
} from "@stackyard/core/services";
import { Errors } from "typebox/value";
import type { Hook } from "../delivery/hook.ts";
import { HookFailed } from "../delivery/hook-errors.ts";
import type { AppliedPull, MappedEvent } from "../mapping/apply-mapping.ts";
import type { EventTemplate, MappedHook, Mapping } from "../mapping/mapping.ts";
import type { PullRecord } from "./decide-pull.ts";
import { toPullKey, toStoredPull } from "./pull-records.ts";

/** An event of a pull request that is about to be published. */
interface LinkInput {
  readonly host: string;
  readonly hook: MappedHook;
  /** The document that the event follows from. */
  readonly mapping: Mapping;
}

/**
 * Links the stack of an event to its pull request, before the event is published: such a stack always has a link.
 * Throws `HookFailed` when that is not possible.
 */
export async function linkStack(
  deps: RecordsDeps,
  { host, hook, mapping }: LinkInput,
  { stackId, rule, machine }: Pick<MappedEvent, "stackId" | "rule" | "machine">,
): Promise<void> {
  const { repository, pull } = hook;
  if (repository === undefined || pull === undefined) return;
  const { id, fullName } = repository;
  const { number, url, head, author: owner } = pull;
  const title = pull.title === "" ? undefined : pull.title;
  const place = { stackId, host, repository: { id, fullName }, number, url };
  const vouched = { by: "hook", machine } as const;
  const link = { ...place, ...defined({ title }), head, owner, commands: toCommands(mapping, hook), ...vouched };
  const [fault] = Errors(PreviewLink, link);
  if (fault !== undefined) throw new HookFailed(`HOOK_FAILED: ${rule}: ${fault.instancePath}: ${fault.message}`);
  await linkPreview(deps, link);
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
export async function endLink(deps: RecordsDeps, before: PullRecord, applied: AppliedPull): Promise<void> {
  if (before.phase !== "open" || before.target === undefined) return;
  if ("record" in applied && applied.record.phase === "none") await endPreviewLink(deps, before.target.stackId);
}

/** Returns true if a stack may have the id. */
export function isStackId(id: string): boolean {
  return /^\P{Cc}{1,255}$/u.test(id);
}

/**
 * Returns why a pull request gets no event to a stack: the stack is that of another pull request, which is open. The
 * stack of the first one stays its own, because the close of one would remove that of the other.
 */
export async function findRival(
  deps: RecordsDeps,
  { host, hook, stackId }: { readonly host: string; readonly hook: Hook; readonly stackId: string },
): Promise<string | undefined> {
  const { repository, pull } = hook;
  // The fault is named when the event is published.
  if (!isStackId(stackId)) return undefined;
  const link = await previewLinks.find(deps, stackId);
  if (link === undefined || repository === undefined || pull === undefined) return undefined;
  const { id, fullName } = link.repository;
  if (link.host === host && id === repository.id && link.number === pull.number) return undefined;
  const owner = toStoredPull(await deps.records.get(toPullKey(link.host, id, link.number), deps.clock.now()));
  if (owner.phase !== "open" || owner.target?.stackId !== stackId) return undefined;
  const advice =
    link.host === host
      ? 'Give each pull request a stack of its own: use "hook.pull.number" under "stack" of the document.'
      : `It is one of the host "${link.host}". If that is a former name of "${host}", set its option "former".`;
  return `The stack "${stackId}" belongs to pull request ${link.number} of ${fullName}. ${advice}`;
}
