/** A node as Systems Manager knows it. */
export interface SimAgent {
  readonly account: string;
  readonly region: string;
  readonly instanceId: string;
  /** Not known before. */
  readonly registersAt: number;
  readonly platformType: PlatformType;
  readonly agentVersion: string;
  /** Of nodes outside of EC2; an instance has EC2's. */
  readonly tags: Readonly<Record<string, string>>;
  readonly connections: readonly { readonly at: number; readonly ping: PingStatus }[];
}

/** API reference, "InstanceInformation", PlatformType. */
export type PlatformType = "Linux" | "Windows" | "MacOS";

/** API reference, "InstanceInformation", PingStatus, without the deprecated value. */
export type PingStatus = "Online" | "ConnectionLost";

/** Whether the agent answers at an instant. */
export function pingOf({ connections }: SimAgent, now: number): PingStatus {
  return connections.findLast(({ at }) => at <= now)?.ping ?? "Online";
}

/** The first instant from then on at which it answers; `Infinity`: as things stand it never will. */
export function onlineAt(agent: SimAgent, from: number): number {
  if (pingOf(agent, from) === "Online") return from;
  return agent.connections.find(({ at, ping }) => at > from && ping === "Online")?.at ?? Number.POSITIVE_INFINITY;
}
