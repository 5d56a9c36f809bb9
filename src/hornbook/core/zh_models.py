"""Chinese for the sentences of networks: sizes, saved weights, foreign folders."""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "model.width {width} is not a multiple of model.heads {heads}": "model.width {width} 不是 model.heads {heads} 的整数倍",
    "model.width {width} / model.heads {heads} must be even for rotary positions": (
        "使用旋转位置编码时，model.width {width} / model.heads {heads} 必须是偶数"
    ),
    "model.context must be at least 2, not {context}": "model.context 至少为 2，而不是 {context}",
    "{path}: {error}": "{path}：{error}",
    "{path} is damaged: {error}. Restore the folder or train again.": "{path} 已损坏：{error}。请恢复该文件夹或重新训练。",
    "{path} does not exist": "{path} 不存在",
    "{path} is missing: a model folder holds its weights there": "缺少 {path}：模型文件夹的权重应在这里",
    "{path} describes {expected} weights, but the weight files have {held} bytes: they do not belong together": (
        "{path} 描述了 {expected} 个权重，但权重文件只有 {held} 字节：两者不匹配"
    ),
    "{path}: tensor '{key}' is missing ({present} of {total} are there).{hint}": (
        "{path}：缺少张量“{key}”（共 {total} 个，只有 {present} 个）。{hint}"
    ),
    "{path}: unknown tensor '{key}'.{hint}": "{path}：未知的张量“{key}”。{hint}",
    "{path}: tensor '{key}' has shape {found}, the configuration asks for {expected}": (
        "{path}：张量“{key}”的形状是 {found}，配置要求 {expected}"
    ),
    "{path}: tensor '{key}' holds values that are not finite numbers": "{path}：张量“{key}”含有非有限数值",
    "{path}: model_type '{kind}' is not of this kind.{hint}": "{path}：model_type“{kind}”不属于这类模型。{hint}",
    "{path}: unknown key '{key}'.{hint}": "{path}：未知的键“{key}”。{hint}",
    "{path}: {key} = {value} is not supported": "{path}：不支持 {key} = {value}",
    "{path}: {key} = {value} is not a size": "{path}：{key} = {value} 不是有效的大小",
    "{path}: the configuration ties lm_head.weight to the embedding, but they differ": (
        "{path}：配置要求 lm_head.weight 与词嵌入共享，但两者不同"
    ),
}
