import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { KeyList } from "../design/key-list.tsx";

const KEYS = [
  ["F8", "next problem, in the text"],
  ["Ctrl Space", "completion, in the text"],
  ["Ctrl S", "save"],
  ["Arrow keys", "next state, in the graph"],
  ["Enter", "edit the state"],
  ["F2", "rename it"],
  ["c", "connect it with another"],
  ["Delete", "delete it"],
  ["Esc", "close the fields"],
  ["Ctrl Z", "undo, in text and graph"],
] as const;

const LINKS = [
  ["YAML 1.2", "https://yaml.org/spec/1.2.2/"],
  ["Expressions (CEL)", "https://github.com/google/cel-spec/blob/master/doc/langdef.md"],
  ["State diagrams of Mermaid", "https://mermaid.js.org/syntax/stateDiagram.html"],
] as const;

/** Renders the keys of the editor, and where its languages are described. */
export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys and marks" onClose={onClose}>
      <section className="stack-v">
        <p>
          The text is the document; the graph is drawn from it. Each change in the graph or a form changes only the
          lines that it must, and is one step to undo. Drag from the right side of a state to another state to add a
          reaction.
        </p>
        <KeyList keys={KEYS} />
        <p className="row">
          {LINKS.map(([title, href]) => (
            <a key={href} href={href} target="_blank" rel="noopener noreferrer">
              {title}
            </a>
          ))}
        </p>
        <Button onPress={onClose}>Close</Button>
      </section>
    </Dialog>
  );
}
