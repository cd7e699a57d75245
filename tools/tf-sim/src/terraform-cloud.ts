/** An object that a provider has made. */
export interface CloudObject {
  readonly id: string;
  /** The resource that it was made for. */
  readonly address: string;
}

/** What providers make: objects that exist, whatever a state says. */
export interface TerraformCloud {
  create(address: string): CloudObject;
  remove(id: string): void;
  list(): readonly CloudObject[];
  /** The number of objects that were made for each resource. */
  readonly made: Readonly<Record<string, number>>;
}

/** The object of someone else. */
export const FOREIGN = "i-foreign";

/** Creates a cloud with one object, which belongs to someone else. */
export function createTerraformCloud(): TerraformCloud {
  const objects = new Map<string, CloudObject>([[FOREIGN, { id: FOREIGN, address: "sim_server.other" }]]);
  const made: Record<string, number> = {};
  return {
    made,
    create(address) {
      const id = `i-${objects.size + Object.values(made).reduce((sum, each) => sum + each, 0)}`;
      made[address] = (made[address] ?? 0) + 1;
      const object = { id, address };
      objects.set(id, object);
      return object;
    },
    remove: (id) => void objects.delete(id),
    list: () => [...objects.values()],
  };
}
