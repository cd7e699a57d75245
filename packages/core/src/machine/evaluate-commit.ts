import type { CommitVerdict } from "./commit.ts";
import { evaluateDeed } from "./evaluate-deed.ts";
import { defined } from "./json.ts";
import type { Deed, Stack, StackCommit } from "./stack.ts";

/** Evaluates the commit of a stack; undefined for a stack that no event has brought one. Pure. */
export function evaluateCommit(stack: Stack): CommitVerdict | undefined {
  const { commit } = stack;
  if (commit === undefined) return undefined;
  const verdict = evaluateDeed(stack, commit.key);
  const own = { value: commit.value, ...defined({ id: commit.id }) };
  if (verdict.kind === "unknown") return { ...own, is: "open" };
  const { deed } = verdict;
  const lack = findOwnLack(deed, commit);
  const isOver = verdict.kind === "failed" && verdict.lack === undefined;
  // A run that was left, and that the stack does not wait for, does not keep its work open.
  if (deed.restedAt === undefined && !isOver) return { ...own, is: "open", ...defined({ lack }) };
  if (lack !== undefined || isOver) return { ...own, is: "failed", ...defined({ lack }) };
  return { ...own, is: deed.onlyValues || commit.isIdle ? "noted" : "done" };
}

/** Returns what a deed lacks of the work of a commit: the machine may have set another one in the course of it. */
export function findOwnLack(
  { lacks = {} }: Deed,
  { entry: first }: StackCommit,
  end = Infinity,
): CommitVerdict["lack"] {
  const found = Object.entries(lacks).find(([, { entry }]) => entry >= first && entry < end);
  if (found === undefined) return undefined;
  const [task, { why }] = found;
  return { task, why };
}
