import type { ServiceLookUps } from "../lookups/load-release-look-ups.ts";
import type { LookUp } from "../lookups/look-up.ts";
import { aService } from "./a-release.ts";

/** What a look-up has found. */
export function found<Value>(value: Value): LookUp<Value> {
  return { kind: "found", value };
}

/** What a look-up has not found. */
export function notFound(code: string, message: string): LookUp<never> {
  return { kind: "refused", problems: [{ code, message }] };
}

const OWN = { ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };

/** Tags of what belongs to the service `web`. */
export function ownTags(over: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return { ...OWN, ...over };
}

/** All that the service `web` names is there, and may be used. */
export function someLookUps(over: Partial<ServiceLookUps> = {}): ServiceLookUps {
  const tags = { DeployWith: "odin" };
  return {
    service: aService(),
    subnets: found([
      { id: "subnet-1", name: "private-a", tags, vpc: "vpc-1" },
      { id: "subnet-2", name: "private-b", tags, vpc: "vpc-1" },
    ]),
    image: found({ id: "ami-1", tags, state: "available", owner: "111122223333", architecture: "x86_64" }),
    hooks: [],
    securityGroups: found([{ id: "sg-1", name: "web", tags: OWN, vpc: "vpc-1" }]),
    elbs: [],
    targetGroups: [],
    ...over,
  };
}
