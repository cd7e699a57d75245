import type { ServiceDeps, Stack } from "@stackyard/core";

/** Returns how the state of a stack reacts to an event, by the newest revision of its machine; undefined when it does not. */
export async function findReactions(
  { locator }: Pick<ServiceDeps, "locator">,
  { machine, state }: Stack,
  event: string,
): Promise<readonly { readonly advance: readonly string[] }[] | undefined> {
  const found = await locator.find(machine);
  return found.kind === "found" ? found.machine.states.get(state)?.on.get(event) : undefined;
}
