import type { By } from "./by.ts";

/** Who a list names. `id`: of a person, at least. */
interface Named {
  readonly id?: string | undefined;
  readonly name: string;
}

/** Returns the name of a person, with the id where another one of the list has the same name. */
export function nameApart({ id, name }: Named, people: readonly Named[]): string {
  const isShared = id !== undefined && people.some((other) => other.name === name && other.id !== id);
  return isShared ? `${name} (${id})` : name;
}

/** Who sent an event or began an operation. `actorId`: of a person. */
export interface NamedActor {
  readonly actor?: string | undefined;
  readonly actorId?: string | undefined;
}

/** Returns the name of who sent an event, with the id where another one of the lines has the same name. */
export function nameSender({ actor, actorId }: NamedActor, lines: readonly NamedActor[]): string | undefined {
  if (actor === undefined) return undefined;
  return nameApart(
    { id: actorId, name: actor },
    lines.map(({ actor: name = "", actorId: id }) => ({ id, name })),
  );
}

/** Returns the name of who did something, with the id where another one of the lines has the same name. */
export function nameBy({ by, byId }: By, lines: readonly By[]): string {
  return nameApart(
    { id: byId, name: by },
    lines.map((line) => ({ id: line.byId, name: line.by })),
  );
}

/** Returns the names of people, such as `ada, ben`, with the ids of those of one name. */
export function nameAll(people: readonly Named[]): string {
  return people.map((each) => nameApart(each, people)).join(", ");
}
