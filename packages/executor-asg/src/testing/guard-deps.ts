import type { ReleaseDeps } from "../release-deps.ts";
import type { CallGuard } from "./crash-at.ts";

/** Ports of which every call of AWS and of the memory goes through the guard. */
export function guardDeps(deps: ReleaseDeps, guard: CallGuard): ReleaseDeps {
  const { target, memory } = deps;
  const guardedMemory = guardPort(memory, guard, "Memory", () => true);
  return {
    ...deps,
    memory: { ...guardedMemory, locks: guardPort(memory.locks, guard, "Locks", () => true) },
    target: {
      ...target,
      client: ((type: never) =>
        guardPort(Object(target.client(type)), guard, "AWS", (name) => name === "send")) as never,
    },
  };
}

function guardPort<Port extends object>(
  port: Port,
  { around }: CallGuard,
  what: string,
  isGuarded: (name: string | symbol) => boolean,
): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function" || !isGuarded(name)) return member;
      const call = async (args: readonly unknown[]): Promise<unknown> => member.apply(target, args);
      return (...args: unknown[]) => around(toName(what, name, args), () => call(args));
    },
  });
}

/** The command's where one is sent. */
function toName(what: string, name: string | symbol, [command]: readonly unknown[]): string {
  return name === "send" ? String(Object(command).constructor.name) : `${what}.${String(name)}`;
}
