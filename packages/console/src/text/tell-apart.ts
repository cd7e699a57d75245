interface Person {
  readonly id: string;
  readonly name: string;
}

/** Returns the name of a person, with the id where another one of the list has the same name. */
export function nameApart({ id, name }: Person, people: readonly Person[]): string {
  return people.some((other) => other.name === name && other.id !== id) ? `${name} (${id})` : name;
}
