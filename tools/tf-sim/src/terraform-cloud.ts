/** Where a provider works: the account of its credentials, and a region. */
export interface CloudPlace {
  readonly account: string;
  readonly region: string;
}

/** An object that a provider has made. */
export interface CloudObject extends CloudPlace {
  readonly id: string;
  /** The resource that it was made for. */
  readonly address: string;
}

/** What providers make: objects that exist, whatever a state says. */
export interface TerraformCloud {
  create(address: string, place: CloudPlace): CloudObject;
  /** Removes an object by its id, where its place is this one. Throws while it is protected. */
  remove(id: string, place: CloudPlace): void;
  /** Returns true if a provider finds the object there. */
  has(id: string, place: CloudPlace): boolean;
  /** Puts deletion protection on an object, or takes it away. */
  protect(id: string, isProtected: boolean): void;
  list(): readonly CloudObject[];
  /** The number of objects that were made for each resource. */
  readonly made: Readonly<Record<string, number>>;
}

/** The object of someone else. */
export const FOREIGN = "i-foreign";

/** Creates a cloud with one object, which belongs to someone else. */
export function createTerraformCloud(): TerraformCloud {
  const other = { id: FOREIGN, address: "sim_server.other", account: "444455556666", region: "eu-west-1" };
  const objects = new Map<string, CloudObject>([[FOREIGN, other]]);
  const made: Record<string, number> = {};
  const guarded = new Set<string>();
  const has = (id: string, { account, region }: CloudPlace) => {
    const object = objects.get(id);
    return object?.account === account && object.region === region;
  };
  return {
    made,
    has,
    create(address, { account, region }) {
      const id = `i-${objects.size + Object.values(made).reduce((sum, each) => sum + each, 0)}`;
      made[address] = (made[address] ?? 0) + 1;
      const object = { id, address, account, region };
      objects.set(id, object);
      return object;
    },
    remove(id, place) {
      if (!has(id, place)) return;
      if (guarded.has(id)) throw new Error("OperationNotPermitted: deletion protection is enabled");
      objects.delete(id);
    },
    protect: (id, isProtected) => void (isProtected ? guarded.add(id) : guarded.delete(id)),
    list: () => [...objects.values()],
  };
}
