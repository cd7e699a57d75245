import { Button } from "./button.tsx";
import { useChangeSearch } from "./links.tsx";

interface FilterFormProps {
  /** Names in the address, and their labels. The first one is focused by `/`. */
  readonly fields: readonly (readonly [name: string, label: string])[];
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** Texts that filter a list. The address has them once they are submitted. */
export function FilterForm({ fields, values }: FilterFormProps) {
  const change = useChangeSearch();
  const isFiltered = fields.some(([name]) => values[name] !== undefined);
  return (
    <form
      className="row panel-body filter-form"
      // Another address shows its own texts.
      key={JSON.stringify(values)}
      onSubmit={(event) => {
        event.preventDefault();
        const data = new FormData(event.currentTarget);
        change(Object.fromEntries(fields.map(([name]) => [name, String(data.get(name)).trim()])), true);
      }}
    >
      {fields.map(([name, label], index) => (
        <label key={name} className="field">
          {label}
          <input name={name} defaultValue={values[name] ?? ""} {...(index === 0 && { "data-shortcut": "/" })} />
        </label>
      ))}
      <Button type="submit">Filter</Button>
      {isFiltered && (
        <Button onPress={() => change(Object.fromEntries(fields.map(([name]) => [name, undefined])), true)}>
          Clear
        </Button>
      )}
    </form>
  );
}
