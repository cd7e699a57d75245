import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";
import { saveFile } from "./save-file.ts";
import { toPng, toSvgImage } from "./to-png.ts";
import { useToast } from "./toasts.tsx";

interface CopyImageProps {
  /** The element that the image shows; null until it is drawn. */
  readonly of: Element | null;
  /** Its word, such as `graph`. */
  readonly what: string;
  /** The name of the file without its ending, where the browser does not let the page copy. */
  readonly file: string;
}

/** Copies a drawing of the page as an image, for a message or a report. A browser that refuses gets a file instead. */
export function CopyImage({ of, what, file }: CopyImageProps) {
  const toast = useToast();
  async function copy(): Promise<void> {
    if (of === null) return;
    try {
      const image = await toPng(toSvgImage(of), getComputedStyle(document.body).backgroundColor);
      toast(await deliver(image, `${file}.png`));
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error), "fail");
    }
  }
  const refusal = of === null ? `The ${what} is not drawn.` : undefined;
  return (
    <Button look="plain" label={`Copy the ${what} as an image`} refusal={refusal} onPress={copy}>
      <Icon name="copy" /> Copy as image
    </Button>
  );
}

async function deliver(image: Blob, name: string): Promise<string> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ [image.type]: image })]);
    return "The image is copied";
  } catch {
    saveFile(image, name);
    return `The browser does not let this page copy images. It is saved as ${name}.`;
  }
}
