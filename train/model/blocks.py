"""The blocks of a pretrained network, and where it is cut between frozen and fine-tuned ones."""

from __future__ import annotations

import re
from typing import Any

import keras

from curate.base.errors import BadParameterError

# "block7_expand", "conv5_block3_1_conv", "block7a_bn", "convnext_tiny_stage_3_block_2_layer_scale".
_BLOCK = re.compile(r"^.*?(?:block_?\d+[a-z]?|expanded_conv_\d+)(?=[_/]|$)")


def find_blocks(network: keras.Model) -> list[list[keras.layers.Layer]]:
    """List the layers of each block that has weights, from the pixels on.

    A block is the layers whose names begin alike ("block7_expand", "block7_project"), with those
    of other names that follow it. What has other names before the first is a block (the stem), and
    so is what has them after the last (the head): EfficientNet-Lite0 has 1 + 16 + 1. Where no
    layer is so named, each layer with weights is a block, with the normalisation that follows it.
    """
    layers = list(network.layers)
    named = [i for i, layer in enumerate(layers) if _BLOCK.match(layer.name)]
    blocks = _by_name(layers, named[-1]) if named else _by_weights(layers)
    return [block for block in blocks if any(_can_train(layer) for layer in block)]


def _can_train(layer: keras.layers.Layer) -> bool:
    """Return whether a layer has weights to fine-tune: those of batch normalisation stay."""
    return bool(layer.weights) and not isinstance(layer, keras.layers.BatchNormalization)


def _by_name(layers: list[keras.layers.Layer], last: int) -> list[list[keras.layers.Layer]]:
    blocks: dict[str, list[keras.layers.Layer]] = {}
    name = "stem"
    for place, layer in enumerate(layers):
        match = _BLOCK.match(layer.name)
        name = match.group() if match else ("head" if place > last else name)
        blocks.setdefault(name, []).append(layer)
    return list(blocks.values())


def _by_weights(layers: list[keras.layers.Layer]) -> list[list[keras.layers.Layer]]:
    blocks: list[list[keras.layers.Layer]] = []
    for layer in layers:
        if blocks and (not layer.weights or _is_normalisation(layer)):
            blocks[-1].append(layer)
        else:
            blocks.append([layer])
    return blocks


def _is_normalisation(layer: keras.layers.Layer) -> bool:
    return "Normalization" in type(layer).__name__


def unfreeze_last(network: keras.Model, blocks: int, name: str) -> tuple[keras.Model, keras.Model]:
    """Let the last `blocks` blocks train, but for batch normalisation; cut the network before them.

    Returns the part before the cut, which never changes, and the part after it. The cut is the last
    tensor before those blocks that everything later is computed from, so that frozen layers may
    stand after it too: all of the network, where it has no such tensor.

    Raises:
        BadParameterError: the network has fewer blocks.
    """
    existing = find_blocks(network)
    if not existing:
        raise BadParameterError(
            f"unfreeze: {name} has no layer with weights to fine-tune; set unfreeze to 0",
            key="unfreeze",
        )
    if blocks > len(existing):
        raise BadParameterError(
            f"unfreeze: {blocks} is more than the {len(existing)} blocks of {name}; lower it",
            key="unfreeze",
        )
    network.trainable = False
    trained = [layer for block in existing[-blocks:] for layer in block]
    for layer in trained:
        layer.trainable = _can_train(layer)
    cut = _cut_before(network, trained)
    frozen = cut
    if cut is network.inputs[0]:  # a model without any operation cannot be called
        frozen = keras.layers.Identity(dtype="float32", name="pixels")(cut)
    before = keras.Model(network.inputs[0], frozen, name="frozen_blocks")
    after = keras.Model(cut, network.outputs[0], name="tuned_blocks")
    # Keras names the new input by how many tensors the process has made, and saves that.
    after.layers[0].name = "activations"
    return before, after


def _cut_before(network: keras.Model, trained: list[keras.layers.Layer]) -> keras.KerasTensor:
    """Find the last tensor before the trained layers that every path leads through."""
    # A model without a graph of its own (Sequential) gets one; operations come inputs first.
    graph = keras.Model(network.inputs, network.outputs)
    place = {id(operation): number for number, operation in enumerate(graph.operations)}
    first_trained = min(place[id(layer)] for layer in trained if id(layer) in place)
    made = _made(graph, place)
    cut = network.inputs[0]
    reach = 0  # the last operation that reads a tensor made before the one looked at
    reads = _last_reads(graph, place)
    for number in range(first_trained):
        if reach <= number and number in reads and len(made[number]) == 1:
            cut = made[number][0]
        reach = max(reach, reads.get(number, 0))
    return cut


def _nodes(graph: keras.Model) -> list[Any]:
    """List the calls of operations that a graph is made of."""
    return [node for nodes in graph._nodes_by_depth.values() for node in nodes]


def _made(graph: keras.Model, place: dict[int, int]) -> dict[int, list[keras.KerasTensor]]:
    """List the tensors that each operation, by number, makes in this graph.

    Not `operation.output`, nor all its calls: a layer of a loaded model stands in other graphs
    too, and a model's output is that of its own graph.
    """
    made: dict[int, list[keras.KerasTensor]] = {}
    for node in _nodes(graph):
        made.setdefault(place[id(node.operation)], []).extend(node.output_tensors)
    return made


def _last_reads(graph: keras.Model, place: dict[int, int]) -> dict[int, int]:
    """Map each operation, by number, to the last one that reads its output."""
    reads: dict[int, int] = {}
    for node in _nodes(graph):
        number = place[id(node.operation)]
        for tensor in node.input_tensors:
            source = place[id(tensor._keras_history.operation)]
            reads[source] = max(number, reads.get(source, 0))
    return reads
