const SCALE = 2;
const MAX_PX = 16_384;

/** Draws an SVG at twice its size, at most 16,384 pixels wide and high, on a color. */
export async function toPng(svg: string, background: string): Promise<Blob> {
  const image = new Image();
  // The content security policy admits images as data.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = Math.min(SCALE, MAX_PX / image.naturalWidth, MAX_PX / image.naturalHeight);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(image.naturalWidth * scale);
  canvas.height = Math.round(image.naturalHeight * scale);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("The browser cannot draw the image.");
  context.fillStyle = background;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob === null ? reject(new Error("The image is too large for a PNG.")) : resolve(blob))),
  );
}

/** The styles that an image needs from the page's style sheets, which it cannot read. */
const STYLES = [
  "align-items background-color border-block-end border-collapse border-block-start border-inline-end border-inline-start border-radius",
  "bottom box-sizing color column-gap display fill flex font-family font-size font-style font-variant-numeric font-weight",
  "grid-column grid-template-columns height justify-content left letter-spacing line-height margin max-width min-height",
  "min-width opacity overflow padding paint-order position right row-gap stroke stroke-dasharray stroke-linecap",
  "stroke-linejoin stroke-width text-align text-anchor text-decoration text-overflow top transform vertical-align visibility white-space width",
].flatMap((line) => line.split(" "));

/** Returns what the page shows of an element as an SVG document of its whole size, also of what is scrolled away. */
export function toSvgImage(element: Element): string {
  const [width, height] = sizeOf(element);
  const copy = element.cloneNode(true);
  if (!(copy instanceof Element)) throw new Error("Not an element.");
  copyStyles(element, copy);
  for (const hidden of copy.querySelectorAll(".hidden-visually, title")) hidden.remove();
  const text = new XMLSerializer().serializeToString(copy);
  const size = `width="${width}" height="${height}"`;
  const inner =
    element instanceof SVGElement ? text : `<foreignObject width="100%" height="100%">${text}</foreignObject>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${inner}</svg>`;
}

function sizeOf(element: Element): readonly [number, number] {
  if (element instanceof SVGSVGElement) {
    // Its own size, however small the page shows it.
    const { width, height } = element.viewBox.baseVal;
    if (width > 0 && height > 0) return [Math.ceil(width), Math.ceil(height)];
  }
  return [Math.ceil(element.scrollWidth), Math.ceil(element.scrollHeight)];
}

function copyStyles(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  const isWhole = from instanceof SVGSVGElement && from.parentElement !== null;
  const texts = STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`);
  to.setAttribute("style", isWhole && from.viewBox.baseVal.width > 24 ? "width:100%;height:100%" : texts.join(";"));
  for (const [index, child] of [...from.children].entries()) {
    const copied = to.children[index];
    if (copied !== undefined) copyStyles(child, copied);
  }
}
