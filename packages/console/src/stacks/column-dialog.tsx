import type { StackSummary } from "@stackyard/sdk";
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { Form, TextField } from "../design/fields.tsx";
import { IconButton } from "../design/icon-button.tsx";
import { useChangeSearch } from "../design/links.tsx";
import { changeSettings } from "../design/settings.ts";
import { Text } from "../design/text.tsx";
import { toSafeText } from "../text/safe-text.ts";
import {
  COLUMN_WORDS,
  type ColumnChoice,
  formatColumns,
  parseColumns,
  readColumn,
  toMetadataColumn,
} from "./column-choice.ts";
import { listGroupKeys } from "./group-choice.ts";

interface ColumnDialogProps {
  readonly columns: readonly ColumnChoice[];
  readonly sample: readonly StackSummary[];
  readonly onClose: () => void;
}

const ALL = parseColumns(Object.keys(COLUMN_WORDS).join());

/**
 * Lets a person choose columns and their order. The choice is in the address, for the person to whom it is sent, and in
 * this browser, for every later visit.
 */
export function ColumnDialog({ columns, sample, onClose }: ColumnDialogProps) {
  const changeSearch = useChangeSearch();
  const choose = (next: readonly ColumnChoice[]) => {
    const text = formatColumns(next);
    changeSettings({ stackColumns: text });
    changeSearch({ show: text, columns: undefined });
  };
  const offered = [...ALL, ...listGroupKeys(sample).map(toMetadataColumn)];
  const rest = offered.filter((column) => !columns.includes(column));
  return (
    <Dialog title="Columns" onClose={onClose}>
      <section>
        <ol className="column-list" aria-label="Shown, in this order">
          {columns.map((column, index) => (
            <li key={column}>
              <label>
                <input
                  type="checkbox"
                  checked
                  disabled={columns.length === 1}
                  onChange={() => choose(columns.filter((each) => each !== column))}
                />
                <ColumnText column={column} />
              </label>
              {index > 0 && (
                <IconButton
                  icon="up"
                  label={`Move ${toWord(column)} up`}
                  onPress={() => choose(swap(columns, index, index - 1))}
                />
              )}
              {index < columns.length - 1 && (
                <IconButton
                  icon="down"
                  label={`Move ${toWord(column)} down`}
                  onPress={() => choose(swap(columns, index, index + 1))}
                />
              )}
            </li>
          ))}
        </ol>
        <ul className="column-list offered" aria-label="Not shown">
          {rest.map((column) => (
            <li key={column}>
              <label>
                <input type="checkbox" checked={false} onChange={() => choose([...columns, column])} />
                <ColumnText column={column} />
              </label>
            </li>
          ))}
        </ul>
        <KeyForm
          onAdd={(key) => choose([...columns.filter((each) => each !== toMetadataColumn(key)), toMetadataColumn(key)])}
        />
        <div className="row">
          <Button
            onPress={() => {
              changeSettings({ stackColumns: "" });
              changeSearch({ show: undefined, columns: undefined });
            }}
          >
            Usual columns
          </Button>
          <Button look="primary" onPress={onClose}>
            Done
          </Button>
        </div>
      </section>
    </Dialog>
  );
}

/** Adds a key of metadata that the loaded stacks do not have. */
function KeyForm({ onAdd }: { onAdd: (key: string) => void }) {
  const [key, setKey] = useState("");
  const submit = () => {
    if (key.trim() !== "") onAdd(key.trim());
    setKey("");
  };
  return (
    <Form className="column-key" onSubmit={submit}>
      <TextField title="Another key of metadata" value={key} onChange={setKey} />
      <Button type="submit" refusal={key.trim() === "" ? "Enter a key first" : undefined}>
        Add
      </Button>
    </Form>
  );
}

function ColumnText({ column }: { column: ColumnChoice }) {
  const read = readColumn(column);
  return "name" in read ? (
    COLUMN_WORDS[read.name]
  ) : (
    <>
      <Text>{read.key}</Text> <span className="muted">metadata</span>
    </>
  );
}

function toWord(column: ColumnChoice): string {
  const read = readColumn(column);
  return "name" in read ? COLUMN_WORDS[read.name] : toSafeText(read.key);
}

function swap(columns: readonly ColumnChoice[], a: number, b: number): readonly ColumnChoice[] {
  return columns.map((column, index) => (index === a ? columns[b] : index === b ? columns[a] : column) ?? column);
}
