import type { Direction, PlacedEdge, PlacedNode, Point } from "@stackyard/core/drawing";
import type { MachineGraph } from "@stackyard/sdk";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { saveFile } from "../design/save-file.ts";
import { toPng } from "../design/to-png.ts";
import { useToast } from "../design/toasts.tsx";
import { loadLayout } from "../graph/load-layout.ts";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineText, Tasks } from "../machine/messages.ts";

const FORMATS = [
  ["svg", "SVG"],
  ["png", "PNG"],
  ["mermaid", "Mermaid"],
  ["dot", "DOT (Graphviz)"],
] as const;

interface ExportProps {
  readonly machine: MachineText;
  /** As it is shown now. */
  readonly graph: MachineGraph | undefined;
  readonly direction: Direction;
  /** Where states were moved to. */
  readonly moved: ReadonlyMap<string, Point>;
  readonly onClose: () => void;
}

/** Exports the graph of a machine as a file. */
export function ExportDialog({ machine, graph, direction, moved, onClose }: ExportProps) {
  const toast = useToast();
  const vertical = direction === "down";
  const save = async (format: (typeof FORMATS)[number][0]) => {
    try {
      const text = await machineClient.run("export", {
        ...machine,
        format: format === "png" ? "svg" : format,
        vertical,
        places: graph && (await loadPlaces(graph, direction, moved)),
      });
      if (format === "png") saveFile(await toPng(text, "#ffffff"), `${machine.name}.png`);
      else saveFile(new Blob([text]), `${machine.name}.${{ svg: "svg", mermaid: "mmd", dot: "dot" }[format]}`);
      onClose();
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  };
  return (
    <Dialog title="Export the graph" onClose={onClose}>
      <section>
        <p>The graph is drawn {vertical ? "downwards" : "to the right"}, as it is shown now.</p>
        <div className="row">
          {FORMATS.map(([format, title]) => (
            <Button key={format} onPress={() => void save(format)}>
              {title}
            </Button>
          ))}
        </div>
      </section>
    </Dialog>
  );
}

/** Places as the editor shows them; undefined when the graph cannot be laid out. Arrows of moved states are drawn anew. */
async function loadPlaces(
  graph: MachineGraph,
  direction: Direction,
  moved: ReadonlyMap<string, Point>,
): Promise<Tasks["export"]["in"]["places"]> {
  const layout = await loadLayout(graph, { direction }, new AbortController().signal);
  if (layout === undefined) return undefined;
  const kept = layout.edges.flatMap((placed, index): [number, PlacedEdge][] => {
    const edge = graph.edges[index];
    return edge === undefined || moved.has(edge.from) || moved.has(edge.to) ? [] : [[index, placed]];
  });
  return {
    positions: new Map(layout.nodes.map((node) => [node.id, toMiddle(node, moved.get(node.id))])),
    routes: new Map(kept),
  };
}

function toMiddle({ x, y, width, height }: PlacedNode, corner: Point | undefined): Point {
  return corner === undefined ? { x, y } : { x: corner.x + width / 2, y: corner.y + height / 2 };
}
