import { parse } from "yaml";

/** A service of a compose file, as far as a process without a container has it. */
export interface ComposeService {
  readonly image?: string;
  readonly build?: { readonly dockerfile: string; readonly target: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: { readonly default: { readonly ipv4_address: string } };
}

/** A compose file. */
export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: {
    readonly default: {
      readonly ipam: { readonly config: readonly { readonly subnet: string; readonly ip_range: string }[] };
    };
  };
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** Reads a compose file, with the defaults of its variables, such as `${PROJECT:-./project}`. */
export function parseCompose(text: string): ComposeFile {
  return parse(
    text.replaceAll(/\$\{\w+:-([^}]*)\}/g, (_, fallback: string) => fallback),
    { merge: true },
  );
}

/** Returns the services, each after those on which it depends. */
export function toStartOrder(services: ComposeFile["services"]): readonly string[] {
  const order: string[] = [];
  const add = (name: string, above: readonly string[]): void => {
    if (order.includes(name)) return;
    if (above.includes(name)) throw new Error(`${[...above, name].join(" → ")} depend on each other.`);
    const { depends_on = [] } = services[name] ?? {};
    for (const other of Array.isArray(depends_on) ? depends_on : Object.keys(depends_on)) add(other, [...above, name]);
    order.push(name);
  };
  for (const name of Object.keys(services)) add(name, []);
  return order;
}

/** Returns an address of the loopback for each service, which replaces its name in the network of the containers. */
export function toAddresses(services: ComposeFile["services"], network: number): ReadonlyMap<string, string> {
  return new Map(Object.keys(services).map((name, index) => [name, `127.${network}.0.${index + 1}`]));
}

/** Replaces names of services, where a port follows, by their addresses. */
export function withAddresses(text: string, addresses: ReadonlyMap<string, string>): string {
  return text.replaceAll(/(?<![\w.-])([a-z][a-z0-9-]*):(?=\d)/g, (found, name: string) => {
    const address = addresses.get(name);
    return address === undefined ? found : `${address}:`;
  });
}
