// The body of a function. Colours of transparent things are blended over what lies behind them, down to the canvas.
const parse = (colour) => {
  const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
  return { r, g, b, a };
};
const over = (top, below) => {
  const mix = (of) => top[of] * top.a + below[of] * (1 - top.a);
  return { r: mix("r"), g: mix("g"), b: mix("b"), a: 1 };
};
const luminance = ({ r, g, b }) => {
  const linear = (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
};
const probe = document.createElement("div");
probe.style.background = "Canvas";
document.body.append(probe);
const canvas = parse(getComputedStyle(probe).backgroundColor);
probe.remove();
const behind = (element) =>
  element === null ? canvas : over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
const pale = [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const element = texts.currentNode.parentElement;
  const text = texts.currentNode.textContent.trim();
  if (text === "" || element.getClientRects().length === 0 || element.closest("select, svg, .skip")) continue;
  const back = behind(element);
  const front = over(parse(getComputedStyle(element).color), back);
  const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
  const ratio = (light + 0.05) / (dark + 0.05);
  if (ratio < 4.5) pale.push(`${text}: ${ratio.toFixed(2)}`);
}
return pale;
