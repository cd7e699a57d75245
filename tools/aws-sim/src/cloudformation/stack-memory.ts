import { isDeepStrictEqual } from "node:util";

/** A resource of a template, with resolved properties. */
interface RememberedResource {
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What makes and changes the resources of one type. */
interface ResourceMaker {
  /** Returns the physical id. */
  create(resource: RememberedResource): Promise<string>;
  update(resource: RememberedResource, physicalId: string): Promise<void>;
  delete(physicalId: string): Promise<void>;
}

/** A stack whose resources are made from a template. */
export interface StackMemory {
  /** Creates or changes what differs from the last template. Returns the logical ids that were touched. */
  deploy(template: Readonly<Record<string, RememberedResource>>): Promise<readonly string[]>;
  /** Deletes all, the last one first. */
  delete(): Promise<void>;
}

/**
 * Plays the memory of CloudFormation: a template is compared with the one before, never with what exists. What others have removed
 * is not made again (user guide, "Update behaviors of stack resources"). Types without a maker are left out.
 */
export function createStackMemory(makers: Readonly<Record<string, ResourceMaker>>): StackMemory {
  const known = new Map<string, RememberedResource & { readonly physicalId: string }>();

  async function deployOne(logicalId: string, resource: RememberedResource, maker: ResourceMaker): Promise<boolean> {
    const before = known.get(logicalId);
    if (before !== undefined && isDeepStrictEqual(before.properties, resource.properties)) return false;
    if (before !== undefined) await maker.update(resource, before.physicalId);
    const physicalId = before?.physicalId ?? (await maker.create(resource));
    known.set(logicalId, { ...resource, physicalId });
    return true;
  }

  return {
    async deploy(template) {
      const touched: string[] = [];
      for (const [logicalId, resource] of Object.entries(template)) {
        const maker = makers[resource.type];
        if (maker !== undefined && (await deployOne(logicalId, resource, maker))) touched.push(logicalId);
      }
      return touched;
    },
    async delete() {
      for (const { type, physicalId } of [...known.values()].toReversed()) await makers[type]?.delete(physicalId);
      known.clear();
    },
  };
}
