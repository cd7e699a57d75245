import { YardEditor } from "./yard-editor.tsx";

/** A machine as text and graph: of the yard, one of its revisions, or a file. */
export function EditPage() {
  return <YardEditor tab="problems" />;
}
