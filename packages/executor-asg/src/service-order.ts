import type { Release, Service } from "./document/release.ts";

/**
 * The services in the order in which all states go through them: after those that they depend on, else by name. The order of keys
 * in the document says nothing, since not every store of documents keeps it.
 */
export function toServiceOrder({ services }: Pick<Release, "services">): readonly Service[] {
  const names = Object.keys(services).toSorted();
  const ordered = new Map<string, Service>();
  while (ordered.size < names.length) {
    const next = names.find((name) => !ordered.has(name) && isFree(services[name], ordered, services));
    // Of a circle, which no parsed release has, the first.
    const name = next ?? names.find((each) => !ordered.has(each));
    const service = name === undefined ? undefined : services[name];
    if (name === undefined || service === undefined) break;
    ordered.set(name, service);
  }
  return [...ordered.values()];
}

function isFree(
  service: Service | undefined,
  ordered: ReadonlyMap<string, Service>,
  services: Release["services"],
): boolean {
  return service?.depends_on.every((name) => ordered.has(name) || services[name] === undefined) ?? false;
}
