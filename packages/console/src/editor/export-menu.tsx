import { type Direction, moveNodes, type PlacedNode, type Point, toPlacedSvg } from "@stackyard/core/drawing";
import type { Graph } from "@stackyard/core/machine";
import type { MachineGraph } from "@stackyard/sdk";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { saveFile } from "../design/save-file.ts";
import { toPng } from "../design/to-png.ts";
import { useToast } from "../design/toasts.tsx";
import { loadLayout } from "../graph/load-layout.ts";
import { machineClient } from "../machine/machine-client.ts";
import type { MachineText } from "../machine/messages.ts";

const FORMATS = [
  ["svg", "SVG"],
  ["png", "PNG"],
  ["mermaid", "Mermaid"],
  ["dot", "DOT (Graphviz)"],
] as const;

interface ExportProps {
  readonly machine: MachineText;
  /** As it is shown now. */
  readonly graph: Graph | undefined;
  readonly direction: Direction;
  /** Where states were moved to. */
  readonly moved: ReadonlyMap<string, Point>;
  readonly onClose: () => void;
}

/** Exports the graph of a machine as a file. */
export function ExportDialog({ machine, graph, direction, moved, onClose }: ExportProps) {
  const toast = useToast();
  const vertical = direction === "down";
  const draw = async () => {
    if (graph === undefined) throw new Error("The machine has errors; correct them first.");
    const layout = await loadLayout(graph as MachineGraph, { direction }, new AbortController().signal);
    if (layout === undefined) throw new Error("The graph cannot be drawn. Export it as Mermaid or DOT instead.");
    const middles = layout.nodes.flatMap((node): [string, Point][] => {
      const corner = moved.get(node.id);
      return corner === undefined ? [] : [[node.id, toMiddle(node, corner)]];
    });
    return toPlacedSvg(graph, moveNodes(layout, new Map(middles)));
  };
  const save = async (format: (typeof FORMATS)[number][0]) => {
    const file = `${machine.name}.${{ svg: "svg", png: "png", mermaid: "mmd", dot: "dot" }[format]}`;
    try {
      if (format === "png") saveFile(await toPng(await draw(), "#ffffff"), file);
      else if (format === "svg") saveFile(new Blob([await draw()]), file);
      else saveFile(new Blob([await machineClient.run("export", { ...machine, format, vertical })]), file);
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
            <Button key={format} onPress={() => save(format)}>
              {title}
            </Button>
          ))}
        </div>
      </section>
    </Dialog>
  );
}

function toMiddle({ width, height }: PlacedNode, corner: Point): Point {
  return { x: corner.x + width / 2, y: corner.y + height / 2 };
}
