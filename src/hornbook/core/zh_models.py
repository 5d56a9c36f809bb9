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
    "{path}: {key} = {value} is not a number": "{path}：{key} = {value} 不是数字",
    "{path}: {key} = {value} is not true or false": "{path}：{key} = {value} 不是 true 或 false",
    "{path}: the configuration ties {copy} to {original}, but they differ": (
        "{path}：配置要求 {copy} 与 {original} 共享，但两者不同"
    ),
    "{path}: tensor '{key}' is in another file too": "{path}：张量“{key}”在另一个文件里也有",
    "{path} is not opened: weights of this form can run code. Save the model as {wanted} where you trust it "
    "(save_pretrained of transformers does), then open that folder": (
        "不打开 {path}：这种格式的权重可能执行代码。请在可信的环境里把模型另存为 {wanted}"
        "（transformers 的 save_pretrained 即可），再打开那个文件夹"
    ),
    "{path} has no head for masked tokens: a new one begins untrained": "{path} 没有预测遮盖词的输出层：新的输出层从未训练开始",
    "{path} has no next-sentence head: a new one begins untrained": "{path} 没有下一句输出层：新的输出层从未训练开始",
    "{path} has no pooler: a new one begins untrained": "{path} 没有 pooler：新的 pooler 从未训练开始",
    "{path}: model_type '{kind}' has no {part}": "{path}：model_type“{kind}”没有 {part}",
    "this checkpoint has no head for masked tokens: it encodes texts, and guesses after training one": (
        "这个检查点没有预测遮盖词的输出层：它只能编码文本，训练输出层之后才能预测"
    ),
    "the tokenizer has no mask token: name it as mask_token in tokenizer_config.json": (
        "分词器没有遮盖符：请在 tokenizer_config.json 里用 mask_token 指明"
    ),
    "model.layout {layout} has no next-sentence head: only bert has one": (
        "model.layout {layout} 没有下一句输出层：只有 bert 有"
    ),
    "model.layout distilbert has neither token types nor a pooler: set model.types 0": (
        "model.layout distilbert 没有句段类型，也没有 pooler：请设 model.types 0"
    ),
    "model.heads {heads} is not a multiple of model.key-heads {key_heads}": (
        "model.heads {heads} 不是 model.key-heads {key_heads} 的整数倍"
    ),
    "model.stretch needs four numbers, not {count}: factor,low,high,context": (
        "model.stretch 需要四个数，而不是 {count} 个：倍数,低,高,上下文"
    ),
}
