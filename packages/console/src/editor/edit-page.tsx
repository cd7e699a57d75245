import { useSearch } from "../design/links.tsx";
import { YardEditor } from "./yard-editor.tsx";

/** Renders a machine as text and graph: of the yard, one of its revisions, or a file. */
export function EditPage() {
  const { tab } = useSearch();
  return <YardEditor mode={tab === "diff" || tab === "simulation" ? tab : "text"} />;
}
