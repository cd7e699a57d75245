interface Person {
  readonly id: string;
  readonly name: string;
}

/** Returns the name of a person, with the id where another one of the list has the same name. */
export function nameApart({ id, name }: Person, people: readonly Person[]): string {
  return people.some((other) => other.name === name && other.id !== id) ? `${name} (${id})` : name;
}

/** Who sent an event or began an operation. `actorId`: of a person. */
export interface NamedActor {
  readonly actor?: string | undefined;
  readonly actorId?: string | undefined;
}

/** Returns the name of who sent an event, with the id where another one of the lines has the same name. */
export function nameSender({ actor, actorId }: NamedActor, lines: readonly NamedActor[]): string | undefined {
  if (actor === undefined || actorId === undefined) return actor;
  return nameApart(
    { id: actorId, name: actor },
    lines.map(({ actor: name = "", actorId: id = "" }) => ({ id, name })),
  );
}
