// The elements that the pages use. Content is escaped; there is no inline script and no inline style.

/// `<html>`
public func html(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("html", attributes, content()))
}

/// `<head>`
public func head(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("head", attributes, content()))
}

/// `<body>`
public func body(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("body", attributes, content()))
}

/// `<title>`
public func title(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("title", attributes, content()))
}

/// `<header>`
public func header(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("header", attributes, content()))
}

/// `<footer>`
public func footer(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("footer", attributes, content()))
}

/// `<nav>`
public func nav(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("nav", attributes, content()))
}

/// `<main>`
public func main(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("main", attributes, content()))
}

/// `<section>`
public func section(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("section", attributes, content()))
}

/// `<article>`
public func article(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("article", attributes, content()))
}

/// `<aside>`
public func aside(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("aside", attributes, content()))
}

/// `<h1>`
public func h1(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("h1", attributes, content()))
}

/// `<h2>`
public func h2(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("h2", attributes, content()))
}

/// `<h3>`
public func h3(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("h3", attributes, content()))
}

/// `<h4>`
public func h4(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("h4", attributes, content()))
}

/// `<p>`
public func p(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("p", attributes, content()))
}

/// `<div>`
public func div(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("div", attributes, content()))
}

/// `<span>`
public func span(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("span", attributes, content()))
}

/// `<a>`
public func a(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("a", attributes, content()))
}

/// `<strong>`
public func strong(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("strong", attributes, content()))
}

/// `<em>`
public func em(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("em", attributes, content()))
}

/// `<small>`
public func small(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("small", attributes, content()))
}

/// `<code>`
public func code(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("code", attributes, content()))
}

/// `<pre>`
public func pre(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("pre", attributes, content()))
}

/// `<kbd>`
public func kbd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("kbd", attributes, content()))
}

/// `<bdi>`
public func bdi(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("bdi", attributes, content()))
}

/// `<ul>`
public func ul(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("ul", attributes, content()))
}

/// `<ol>`
public func ol(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("ol", attributes, content()))
}

/// `<li>`
public func li(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("li", attributes, content()))
}

/// `<dl>`
public func dl(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("dl", attributes, content()))
}

/// `<dt>`
public func dt(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("dt", attributes, content()))
}

/// `<dd>`
public func dd(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("dd", attributes, content()))
}

/// `<table>`
public func table(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("table", attributes, content()))
}

/// `<caption>`
public func caption(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("caption", attributes, content()))
}

/// `<thead>`
public func thead(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("thead", attributes, content()))
}

/// `<tbody>`
public func tbody(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("tbody", attributes, content()))
}

/// `<tr>`
public func tr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("tr", attributes, content()))
}

/// `<th>`
public func th(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("th", attributes, content()))
}

/// `<td>`
public func td(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("td", attributes, content()))
}

/// `<form>`
public func form(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("form", attributes, content()))
}

/// `<fieldset>`
public func fieldset(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("fieldset", attributes, content()))
}

/// `<legend>`
public func legend(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("legend", attributes, content()))
}

/// `<label>`
public func label(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("label", attributes, content()))
}

/// `<button>`
public func button(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("button", attributes, content()))
}

/// `<select>`
public func select(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("select", attributes, content()))
}

/// `<option>`
public func option(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("option", attributes, content()))
}

/// `<textarea>`
public func textarea(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("textarea", attributes, content()))
}

/// `<details>`
public func details(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("details", attributes, content()))
}

/// `<summary>`
public func summary(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("summary", attributes, content()))
}

/// `<dialog>`
public func dialog(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("dialog", attributes, content()))
}

/// `<time>`
public func time(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("time", attributes, content()))
}

/// `<output>`
public func output(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("output", attributes, content()))
}

/// `<mark>`
public func mark(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("mark", attributes, content()))
}

/// `<abbr>`
public func abbr(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("abbr", attributes, content()))
}

/// `<svg>`
public func svg(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("svg", attributes, content()))
}

/// `<symbol>`
public func symbol(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("symbol", attributes, content()))
}

/// `<path>`
public func path(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("path", attributes, content()))
}

/// `<rect>`
public func rect(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("rect", attributes, content()))
}

/// `<circle>`
public func circle(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("circle", attributes, content()))
}

/// `<use>`
public func use(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("use", attributes, content()))
}

/// `<g>`
public func g(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("g", attributes, content()))
}

/// `<noscript>`
public func noscript(_ attributes: Attribute..., @HTMLBuilder content: () -> HTML = { .empty }) -> HTML {
    HTML(.element("noscript", attributes, content()))
}

/// `<meta>`
public func meta(_ attributes: Attribute...) -> HTML { HTML(.void("meta", attributes)) }

/// `<link>`
public func link(_ attributes: Attribute...) -> HTML { HTML(.void("link", attributes)) }

/// `<input>`
public func input(_ attributes: Attribute...) -> HTML { HTML(.void("input", attributes)) }

/// `<br>`
public func br(_ attributes: Attribute...) -> HTML { HTML(.void("br", attributes)) }

/// `<hr>`
public func hr(_ attributes: Attribute...) -> HTML { HTML(.void("hr", attributes)) }

/// `<script src>`: a script of ours from a file of ours, run when the page is there; it has no content.
public func script(src location: Location) -> HTML {
    HTML(.element("script", [.src(location), .defer()], .empty))
}
