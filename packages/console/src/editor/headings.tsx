import { ActionsHeading } from "../design/text.tsx";

/** Renders the head of a table of the editor: a column for each name, and one for buttons. */
export function Headings({ names, isHidden = false }: { names: readonly string[]; isHidden?: boolean }) {
  return (
    <thead className={isHidden ? "hidden-visually" : undefined}>
      <tr>
        {names.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
        <th scope="col">
          <ActionsHeading />
        </th>
      </tr>
    </thead>
  );
}
