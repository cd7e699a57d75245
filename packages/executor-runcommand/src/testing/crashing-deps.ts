import type { FleetDeps } from "../fleet/fleet-deps.ts";

/** When a process dies: at its nth call of a port, before the call has an effect or after. */
export interface CrashInput {
  readonly at: number;
  readonly when: "before" | "after";
}

/** Ports of a process that dies, and whether it has. Once dead, every call fails and has no effect. */
export function createCrashingDeps(
  deps: FleetDeps,
  { at, when }: CrashInput,
): { readonly deps: FleetDeps; readonly hasDied: () => boolean } {
  let calls = 0;
  let isDead = false;
  async function run(call: () => unknown): Promise<unknown> {
    calls += 1;
    if (isDead) throw new Error("The process is dead.");
    isDead = calls === at;
    if (isDead && when === "before") throw new Error("The process died.");
    const result = await call();
    if (isDead) throw new Error("The process died.");
    return result;
  }
  const dying = <Port extends object>(port: Port, isCall = (_name: string | symbol) => true): Port =>
    new Proxy(port, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (!isCall(name) || typeof member !== "function") return member;
        return (...args: unknown[]) => run(() => member.apply(target, args));
      },
    });
  const dyingClient = (client: object) => dying(client, (name) => name === "send");
  const access = (aws: FleetDeps["aws"]["own"]): FleetDeps["aws"]["own"] => ({
    client: ((type: never) => dyingClient(Object(aws.client(type, undefined)))) as never,
  });
  return {
    deps: {
      ...deps,
      runs: dying(deps.runs),
      records: dying(deps.records),
      aws: { own: access(deps.aws.own), fleet: access(deps.aws.fleet) },
      openArtifactS3: async (credentials) => dyingClient(await deps.openArtifactS3(credentials)) as never,
    },
    hasDied: () => isDead,
  };
}
