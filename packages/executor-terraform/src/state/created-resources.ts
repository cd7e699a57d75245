import type { ChildEnd } from "@stackyard/core/programs";
import type { StateDocument } from "./state-document.ts";

/** Work on a resource, as the stream reports it; other messages have no effect. */
interface WorkMessage {
  readonly kind: string;
  readonly phase?: string;
  readonly address?: string;
  readonly action?: string;
  readonly id?: string;
}

/** A resource that a run has begun to create. */
export interface CreatedResource {
  readonly address: string;
  /** Known when it is created. */
  readonly id?: string;
  /** The end of its creation, or undefined if the stream has none. */
  readonly end?: "created" | "failed";
}

/** Follows what a run creates through its stream. */
export function createCreatedResources() {
  const found = new Map<string, CreatedResource>();
  return {
    add({ kind, phase, address, action, id }: WorkMessage): void {
      if (kind !== "resource" || action !== "create" || address === undefined) return;
      if (phase === "start") found.set(address, { address });
      if (phase === "complete") found.set(address, { address, end: "created", ...(id === undefined ? {} : { id }) });
      if (phase === "errored") found.set(address, { address, end: "failed" });
    },
    list: (): readonly CreatedResource[] => [...found.values()],
  };
}

/**
 * Returns true if a program has ended by itself, which saves its state or puts it into a file. A crash of Terraform ends
 * with 11 and one of Go with 2; a shell or container that has started the program reports a signal as 128 and more
 * (Terraform, `internal/logging/panic.go`; POSIX, Shell Command Language, 2.8.2).
 */
export function isOrderly({ code }: Pick<ChildEnd, "code">): boolean {
  return code === 0 || code === 1;
}

interface SavedInput {
  /** The saved resources, or undefined if the state cannot be read. */
  readonly saved: StateDocument["resources"] | undefined;
  /** True if the program has ended by itself: what has failed is then in its state, or was not created. */
  readonly isOrderly: boolean;
}

/** Returns the created resources that may exist and are not in the saved state. */
export function findUnsaved(
  created: readonly CreatedResource[],
  { saved, isOrderly }: SavedInput,
): readonly CreatedResource[] {
  if (saved === undefined && isOrderly) return [];
  return created.filter(({ address, id, end }) => {
    const known = saved?.filter((resource) => resource.address === address) ?? [];
    const isSaved = known.some((resource) => id === undefined || resource.id === undefined || resource.id === id);
    if (end === "created") return !isSaved;
    return end === undefined || (!isOrderly && known.length === 0);
  });
}
